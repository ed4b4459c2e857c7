//! One DPU failover and one reverse of a replication group, on raw JSON: the measure for what the models cost.
//!
//! `program URL USER SWITCH HOST-NETWORK PROVIDER FAULT-DOMAIN GROUP`, the password in `PASSWORD`.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use farside_transport::{Call, Transport};
use farside_transport_http::HttpTransport;
use farside_wire::{Method, Operation, Repeat, Service};
use http::Request;
use serde_json::{Value, json};

const fn operation(id: &'static str, path: &'static str, repeat: Repeat) -> Operation {
    Operation {
        id,
        service: Service::ViJson,
        method: Method::Post,
        path,
        query: "",
        repeat,
        since: None,
        privileges: &[],
        faults: &[],
        refused_before_acting: &[],
        anonymous: false,
        secrets: &[],
    }
}

static LOGIN: Operation = operation(
    "SessionManager_Login",
    "/SessionManager/{moId}/Login",
    Repeat::Harmless,
);
static FAILOVER: Operation = operation(
    "HostNetworkSystem_startDpuFailover",
    "/HostNetworkSystem/{moId}/startDpuFailover",
    Repeat::OnlyIfNeverSent,
);
static REVERSE: Operation = operation(
    "VasaProvider_ReverseReplicateGroup_Task",
    "/sms/VasaProvider/{moId}/ReverseReplicateGroup_Task",
    Repeat::OnlyIfNeverSent,
);
static TASK: Operation = operation(
    "SmsTask_QuerySmsTaskInfo",
    "/sms/SmsTask/{moId}/QuerySmsTaskInfo",
    Repeat::Harmless,
);

struct Client {
    http: Arc<dyn Transport>,
    token: String,
}

impl Client {
    async fn post(
        &mut self,
        operation: &'static Operation,
        id: &str,
        body: Option<Value>,
    ) -> Result<Value, Box<dyn Error>> {
        let path = format!("/sdk/vim25/8.0.3.0{}", operation.path_with(&[("moId", id)]));
        let mut request = Request::post(path).header("vmware-api-session-id", &self.token);
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(serde_json::to_vec(&body)?)
            }
            None => Bytes::new(),
        };
        let answer = self
            .http
            .send(Call::new(operation, id, request.body(body)?))
            .await?;
        if let Some(token) = answer.headers().get("vmware-api-session-id") {
            self.token = token.to_str()?.to_owned();
        }
        if answer.body().is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(answer.body())?)
    }
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
    let login = json!({"userName": user, "password": std::env::var("PASSWORD")?});
    client.post(&LOGIN, "SessionManager", Some(login)).await?;
    client
        .post(&FAILOVER, network, Some(json!({"dvsName": switch})))
        .await?;
    let groups = json!({"groupId": [{
        "_typeName": "ReplicationGroupId",
        "faultDomainId": {"_typeName": "FaultDomainId", "id": domain},
        "deviceGroupId": {"_typeName": "DeviceGroupId", "id": group},
    }]});
    let task = client.post(&REVERSE, provider, Some(groups)).await?;
    let task = task["value"].as_str().ok_or("no task")?.to_owned();
    let info = client.post(&TASK, &task, None).await?;
    println!(
        "{} {}",
        info["state"], info["result"]["_value"][0]["newGroupId"]["id"]
    );
    Ok(())
}
