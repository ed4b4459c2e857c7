//! Whether a vCenter serves again after a switch.

use farside_engine::EndpointId;

use crate::connection::Connections;
use crate::kind::answer::explain;

pub(super) async fn groups(_world: &Connections, _endpoint: &EndpointId) -> Result<Vec<String>, String> {
    Ok(Vec::new())
}

pub(super) async fn state(
    world: &Connections,
    endpoint: &EndpointId,
    _groups: &[String],
) -> Result<(), String> {
    let client = world.vcenter(endpoint).await.map_err(|error| explain(&error))?;
    client.operations().await.map_err(|error| explain(&error))?;
    Ok(())
}
