//! One DPU failover and one reverse of a replication group, through the clients: sessions, retries, looks.
//!
//! `program URL USER SWITCH HOST PROVIDER FAULT-DOMAIN GROUP`, the password in `PASSWORD`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use farside_host_network::HostNetwork;
use farside_transport::{PollPolicy, SystemClock};
use farside_transport_http::HttpTransport;
use farside_vasa::{GroupId, ProviderRef, VasaClient};
use farside_vim::VimClient;
use farside_wire::Secret;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, user, switch, host, provider, domain, group] = &arguments[..] else {
        return Err("URL USER SWITCH HOST PROVIDER FAULT-DOMAIN GROUP".into());
    };
    let http = Arc::new(HttpTransport::builder(url).build()?);
    let password = Secret::new(std::env::var("PASSWORD")?);
    let clock = Arc::new(SystemClock::new());
    let vim = VimClient::builder(http, user, password, clock.clone()).build();

    let network = HostNetwork::new(vim.clone());
    let host = network.host(host).await?;
    network.start_dpu_failover(&host, switch, None).await?;

    let vasa = VasaClient::new(vim.clone());
    let groups = [GroupId::new(domain, group)];
    let work = vasa.start_reverse(&ProviderRef::new(provider), &groups).await?;
    let limit = Duration::from_secs(900);
    for outcome in work.until_done(limit, &*clock, PollPolicy::default()).await? {
        println!("{outcome:?}");
    }
    vim.close().await?;
    Ok(())
}
