//! Holds an exchange against the operation that it belongs to.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Finding;
use super::check::Check;
use super::exchange::{Body, Exchange, Message};
use super::operation::{self, Operation};
use super::property::Properties;
use super::schema::{Dialect, Document, Types};

/// The documents, ready to be asked.
#[derive(Debug)]
pub(super) struct Judge<'d> {
    services: Vec<Service<'d>>,
}

#[derive(Debug)]
struct Service<'d> {
    types: Types<'d>,
    operations: Vec<Operation<'d>>,
    properties: Properties<'d>,
    /// The schema of an error.
    error: &'d Value,
}

/// The name of the schema of an error.
fn error_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::ViJson => "MethodFault",
        Dialect::Rest => "Vapi.Std.Errors.Error",
        Dialect::Vcda => "ApiError",
    }
}

impl<'d> Judge<'d> {
    pub(super) fn new(documents: &'d [Document]) -> Result<Self> {
        let services = documents.iter().map(|document| {
            let types = Types::new(document);
            let operations = operation::of(document);
            let name = error_name(types.dialect);
            Ok(Service {
                error: types.named(name).with_context(|| format!("no {name}"))?,
                properties: Properties::of(&operations),
                types,
                operations,
            })
        });
        Ok(Self {
            services: services.collect::<Result<_>>()?,
        })
    }

    /// All that the documents do not have.
    pub(super) fn findings(&self, exchange: &Exchange) -> Vec<Finding> {
        let of_path = self.services.iter().find_map(|service| {
            let (path, query) = operation::below(service.types.dialect, &exchange.path)?;
            Some((service, path, query))
        });
        let Some((service, path, query)) = of_path else {
            let what = "a path of no service".to_owned();
            return vec![finding(exchange, &exchange.operation, ("-".to_owned(), what))];
        };
        match service.operation(&exchange.method, path, query) {
            Some(operation) => {
                let id = operation.id;
                let found = service.judge(operation, query, exchange);
                found
                    .into_iter()
                    .map(|found| finding(exchange, id, found))
                    .collect()
            }
            None => service.stranger(path, exchange),
        }
    }
}

fn finding(exchange: &Exchange, operation: &str, (place, what): (String, String)) -> Finding {
    let operation = if operation.is_empty() {
        format!("{} {}", exchange.method, exchange.path)
    } else {
        operation.to_owned()
    };
    Finding {
        operation,
        place,
        what,
    }
}

type Found = Vec<(String, String)>;

impl<'d> Service<'d> {
    /// A call that no document has: it must not succeed.
    fn stranger(&self, path: &str, exchange: &Exchange) -> Vec<Finding> {
        let mut found = Found::new();
        if (200..300).contains(&exchange.status) {
            let status = exchange.status.to_string();
            let mut check = Check::new(&self.types, &status);
            if let (Dialect::ViJson, Body::Json(value)) = (self.types.dialect, &exchange.answer.body) {
                check.loose(value);
            }
            found.append(&mut check.found);
            let what = "success of an operation that no document has";
            found.push((status, what.to_owned()));
        } else if exchange.answer.body != Body::None {
            self.error_body(None, exchange, &mut found);
        }
        // Without the ids of objects.
        let segments: Vec<&str> = path.split('/').collect();
        let operation = match segments[..] {
            [type_name, _, name] if self.types.dialect == Dialect::ViJson => format!("{type_name}.{name}"),
            _ => path.split('/').take(2).collect::<Vec<_>>().join("/"),
        };
        let operation = format!("{} {operation}", exchange.method);
        found
            .into_iter()
            .map(|found| finding(exchange, &operation, found))
            .collect()
    }

    /// The operation that a request is for. What a managed type inherits is asked for under its own name, too.
    fn operation(&self, method: &str, path: &str, query: &str) -> Option<&Operation<'d>> {
        let fits = |path: &str| {
            self.operations
                .iter()
                .find(|operation| operation.fits(method, path, query))
        };
        let mut found = fits(path);
        let mut inherited = path.split_once('/');
        while let (None, Some((type_name, rest))) = (found, inherited) {
            inherited = self.types.managed_base(type_name).map(|base| (base, rest));
            found = inherited.and_then(|(base, rest)| fits(&format!("{base}/{rest}")));
        }
        found
    }

    fn judge(&self, operation: &Operation<'d>, query: &str, exchange: &Exchange) -> Found {
        let mut found = Found::new();
        // What stands behind a question mark is the simulator's own distinction.
        let taken_for = exchange.operation.split('?').next().unwrap_or_default();
        let inherited = taken_for.split('_').nth(1) == operation.id.split('_').nth(1);
        if taken_for != operation.id && !(self.types.dialect == Dialect::ViJson && inherited) {
            found.push(("-".to_owned(), format!("it is taken for {}", exchange.operation)));
        }
        if (200..300).contains(&exchange.status) {
            self.request(operation, query, &exchange.request, &mut found);
            match operation.response(exchange.status) {
                Some(response) => self.success(response, exchange, &mut found),
                None => found.push((
                    exchange.status.to_string(),
                    "a status that is not documented".to_owned(),
                )),
            }
        } else {
            self.error(operation, exchange, &mut found);
        }
        found
    }

    /// A request that was taken.
    fn request(&self, operation: &Operation<'d>, query: &str, request: &Message, found: &mut Found) {
        for name in operation.strange(query) {
            found.push((
                format!("request ?{name}"),
                "a parameter that is not documented".to_owned(),
            ));
        }
        let Some(documented) = operation.json.get("requestBody") else {
            if request.body != Body::None {
                found.push(("request".to_owned(), "a body where none is documented".to_owned()));
            }
            return;
        };
        match &request.body {
            Body::None if documented["required"] == true => {
                found.push(("request".to_owned(), "no body where one is required".to_owned()));
            }
            Body::None => {}
            Body::Other => found.push(("request".to_owned(), "a body that is not JSON".to_owned())),
            Body::Json(value) => {
                let schema = &documented["content"]["application/json"]["schema"];
                let mut check = Check::new(&self.types, "request");
                check.value(schema, value);
                found.append(&mut check.found);
                let media_type = request.header("content-type").unwrap_or("none");
                if !same_media_type(media_type, "application/json") {
                    found.push(("request".to_owned(), format!("media type {media_type}")));
                }
            }
        }
    }

    fn success(&self, response: &'d Value, exchange: &Exchange, found: &mut Found) {
        let status = exchange.status.to_string();
        let headers = response["headers"].as_object().into_iter().flatten();
        for (name, _) in headers.filter(|(_, header)| header["required"] == true) {
            if exchange.answer.header(name).is_none() {
                found.push((status.clone(), format!("no header {name}")));
            }
        }
        let Some((documented, content)) = response["content"]
            .as_object()
            .and_then(|content| content.iter().next())
        else {
            if exchange.answer.body != Body::None {
                found.push((status, "a body where none is documented".to_owned()));
            }
            return;
        };
        let schema = &content["schema"];
        // No value where there need not be one: `null` and no body at all say the same (VI JSON wire rules 4).
        let may_be_empty = self.types.dialect == Dialect::ViJson && schema["nullable"] == true;
        if may_be_empty && exchange.answer.body == Body::None {
            return;
        }
        let Body::Json(value) = &exchange.answer.body else {
            found.push((status, "no JSON where a value is documented".to_owned()));
            return;
        };
        let media_type = exchange.answer.header("content-type").unwrap_or("none");
        if !same_media_type(media_type, documented) {
            found.push((status.clone(), format!("media type {media_type}")));
        }
        let mut check = Check::new(&self.types, &status);
        check.value(schema, value);
        if self.types.dialect == Dialect::ViJson {
            self.properties.check(&mut check, value);
        }
        found.append(&mut check.found);
    }

    fn error(&self, operation: &Operation<'d>, exchange: &Exchange, found: &mut Found) {
        let status = exchange.status;
        let undeclared = operation.json["x-farside-undeclared-errors"].as_array();
        let undeclared = undeclared
            .into_iter()
            .flatten()
            .any(|error| error["status"] == status);
        let is_fault = self.types.dialect == Dialect::ViJson && status == 500;
        if operation.response(status).is_none() && !undeclared && !is_fault {
            found.push((status.to_string(), "a status that is not documented".to_owned()));
        }
        if exchange.answer.body == Body::None {
            found.push((status.to_string(), "an error without a body".to_owned()));
        } else {
            self.error_body(operation.response(status), exchange, found);
        }
    }

    fn error_body(&self, response: Option<&Value>, exchange: &Exchange, found: &mut Found) {
        let status = exchange.status.to_string();
        let Body::Json(value) = &exchange.answer.body else {
            found.push((status, "an error that is not JSON".to_owned()));
            return;
        };
        let mut check = Check::new(&self.types, &status);
        check.named(error_name(self.types.dialect), value);
        found.append(&mut check.found);
        if let Some(own) = value["error_type"].as_str()
            && let Some(target) = self.error["discriminator"]["mapping"][own].as_str()
            && let Some(wanted) = target.rsplit('/').next().and_then(|name| self.types.named(name))
            && wanted["x-farside-status"]
                .as_u64()
                .is_some_and(|wanted| wanted != u64::from(exchange.status))
        {
            found.push((
                status.clone(),
                format!("{own}, whose status is {}", wanted["x-farside-status"]),
            ));
        }
        let (member, list) = match self.types.dialect {
            Dialect::ViJson => return,
            Dialect::Rest => ("error_type", "x-farside-errors"),
            Dialect::Vcda => ("code", "x-farside-codes"),
        };
        let own = &value[member];
        if let Some(response) = response
            && response.get("x-farside-codes-incomplete").is_none()
            && let Some(listed) = response[list].as_array()
            && !listed.contains(own)
        {
            found.push((status, format!("{member} {own} is not documented here")));
        }
    }
}

/// Whether two media types are the same, but for case and blanks; parameters that are not documented do not matter.
fn same_media_type(given: &str, documented: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace(' ', "");
    let (given, documented) = (plain(given), plain(documented));
    given == documented || given.split(';').next() == Some(documented.as_str())
}
