//! One DPU failover and one reverse of a replication group, on the generated models.
//!
//! `program URL USER SWITCH HOST-NETWORK PROVIDER FAULT-DOMAIN GROUP`, the password in `PASSWORD`.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use farside_models_sms::{
    GroupOperationResult, ReverseReplicateGroupRequest, ReverseReplicationSuccessResult, SmsTaskInfo,
    operation as sms,
};
use farside_models_vim::{
    DeviceGroupId, FaultDomainId, LoginRequest, ReplicationGroupId, StartDpuFailoverRequest, operation as vim,
};
use farside_transport::{Call, Transport};
use farside_transport_http::HttpTransport;
use farside_wire::{ManagedObjectReference, Object, Operation, Read, Secret};
use http::Request;

struct Client {
    http: Arc<dyn Transport>,
    token: String,
}

impl Client {
    async fn post(
        &mut self,
        operation: &'static Operation,
        id: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Bytes, Box<dyn Error>> {
        let path = format!("/sdk/vim25/8.0.3.0{}", operation.path_with(&[("moId", id)]));
        let mut request = Request::post(path).header("vmware-api-session-id", &self.token);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Bytes::from(body.unwrap_or_default()))?;
        let answer = self.http.send(Call::new(operation, id, request)).await?;
        if let Some(token) = answer.headers().get("vmware-api-session-id") {
            self.token = token.to_str()?.to_owned();
        }
        Ok(answer.into_body())
    }
}

fn read<T: Read>(body: Bytes) -> Result<T, Box<dyn Error>> {
    Ok(farside_wire::decode(body)?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, user, switch, network, provider, domain, group] = &arguments[..] else {
        return Err("URL USER SWITCH HOST-NETWORK PROVIDER FAULT-DOMAIN GROUP".into());
    };
    let http = Arc::new(HttpTransport::builder(url).build()?);
    let mut client = Client {
        http,
        token: String::new(),
    };
    let login = LoginRequest::new(user, Secret::new(std::env::var("PASSWORD")?));
    client
        .post(
            &vim::SESSION_MANAGER_LOGIN,
            "SessionManager",
            Some(serde_json::to_vec(&login)?),
        )
        .await?;
    let failover = StartDpuFailoverRequest::new(switch);
    let body = serde_json::to_vec(&failover)?;
    client
        .post(&vim::HOST_NETWORK_SYSTEM_START_DPU_FAILOVER, network, Some(body))
        .await?;
    let group = ReplicationGroupId::new(
        Object::new(&FaultDomainId::new(domain)),
        DeviceGroupId::new(group),
    );
    let reverse = ReverseReplicateGroupRequest::default().with_group_id(vec![group]);
    let body = serde_json::to_vec(&reverse)?;
    let task = client
        .post(
            &sms::VASA_PROVIDER_REVERSE_REPLICATE_GROUP_TASK,
            provider,
            Some(body),
        )
        .await?;
    let task: ManagedObjectReference = read(task)?;
    let info: SmsTaskInfo = read(
        client
            .post(&sms::SMS_TASK_QUERY_SMS_TASK_INFO, &task.value, None)
            .await?,
    )?;
    println!("{}", info.state);
    for result in info
        .result
        .iter()
        .filter_map(|result| result.elements())
        .flatten()
    {
        let result = result
            .as_object::<GroupOperationResult>()
            .ok_or("no result of a group")?;
        if let Some(reversed) = result.downcast::<ReverseReplicationSuccessResult>() {
            println!("{}", reversed?.new_group_id.id);
        }
    }
    Ok(())
}
