use super::*;

fn endpoint(url: &str) -> Endpoint {
    Endpoint::parse(url).expect("an endpoint")
}

fn chosen(variables: &[(&str, &str)], url: &str) -> Result<Option<Proxy>, BuildError> {
    let value = |name: &'static str| {
        let found = variables.iter().find(|(key, _)| *key == name)?;
        Some(found.1.to_owned())
    };
    Proxy::from_variables(value, &endpoint(url))
}

fn label(variables: &[(&str, &str)], url: &str) -> Option<String> {
    let proxy = chosen(variables, url).expect("usable variables")?;
    Some(proxy.label.to_string())
}

#[test]
fn the_first_variable_that_is_set_counts() {
    let url = "https://vc.example";
    let all = [
        ("all_proxy", "http://d:4"),
        ("ALL_PROXY", "http://c:3"),
        ("https_proxy", "http://b:2"),
        ("HTTPS_PROXY", "http://a:1"),
    ];
    for (count, expected) in [(4, "a:1"), (3, "b:2"), (2, "c:3"), (1, "d:4")] {
        assert_eq!(label(&all[..count], url).as_deref(), Some(expected));
    }
    assert_eq!(label(&[], url), None);
    assert_eq!(
        label(&[("HTTP_PROXY", "http://a:1"), ("HTTPS_PROXY", " ")], url),
        None
    );
}

#[test]
fn hosts_that_need_no_proxy_get_none() {
    let proxied =
        |list: &str, url: &str| label(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", list)], url).is_some();
    let table = [
        ("vc.example", "https://vc.example", false),
        ("vc.example", "https://VC.EXAMPLE", false),
        ("example", "https://vc.example", false),
        (".example", "https://vc.example", false),
        ("*.example", "https://vc.example", false),
        ("other, vc.example", "https://vc.example", false),
        ("*", "https://vc.example", false),
        ("vc.example:443", "https://vc.example", false),
        ("10.0.0.0/8", "https://10.1.2.3:8443", false),
        ("10.1.2.3", "https://10.1.2.3", false),
        ("10.1.2.3:443", "https://10.1.2.3", false),
        ("fd00::/8", "https://[fd00::1]", false),
        ("fd00::1", "https://[fd00::1]", false),
        ("[fd00::1]:443", "https://[fd00::1]", false),
        ("xample", "https://vc.example", true),
        ("c.example", "https://vc.example", true),
        ("vc.example:8443", "https://vc.example", true),
        ("10.0.0.0/8", "https://11.1.2.3", true),
        ("10.1.2.3:8443", "https://10.1.2.3", true),
        ("1.2.3", "https://10.1.2.3", true),
        ("10.0.0.0/8", "https://vc.example", true),
        (" , .,", "https://vc.example", true),
        ("", "https://vc.example", true),
    ];
    for (list, url, expected) in table {
        assert_eq!(proxied(list, url), expected, "{list:?} {url}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_without_its_password() {
    for url in [
        "https://u:hunter2@p:1",
        "socks5://u:hunter2@p:1",
        "http://u:hunter2@p:1/path",
        "http://u:hunter2@",
        "http://u:hunter2@p:99999",
        "http://u:hunter2@p:0",
        "http://",
    ] {
        let error = chosen(&[("https_proxy", url)], "https://vc.example").expect_err(url);
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("https_proxy") && !text.contains("hunter2"),
            "{url}: {text}"
        );
    }
}

#[test]
fn name_and_password_are_decoded_sent_and_never_shown() {
    let proxy = Proxy::parse("http://us%40er:hunt%3Aer2@[::1]").expect("a proxy");
    assert_eq!((&*proxy.host, &*proxy.label), ("::1", "[::1]:80"));
    let request = proxy.request(&endpoint("https://vc.example:8443"));
    let value = STANDARD.encode("us@er:hunt:er2");
    assert_eq!(
        *request,
        format!(
            "CONNECT vc.example:8443 HTTP/1.1\r\nHost: vc.example:8443\r\nProxy-Authorization: Basic {value}\r\n\r\n"
        )
    );
    let shown = format!("{proxy:?}");
    assert!(!shown.contains("hunt") && !shown.contains(&value), "{shown}");
}

#[test]
fn a_proxy_without_a_scheme_is_one_of_http() {
    let proxy = Proxy::parse("p.example:3128").expect("a proxy");
    assert_eq!((&*proxy.host, proxy.port), ("p.example", 3128));
    assert!(proxy.authorization.is_none());
    assert!(!proxy.request(&endpoint("https://vc.example")).contains("Proxy-"));
}

#[test]
fn this_machine_is_never_asked_for_at_a_proxy_of_the_environment() {
    for (url, through) in [
        ("https://localhost:8443", false),
        ("https://LOCALHOST", false),
        ("https://127.0.0.1", false),
        ("https://127.9.9.9:8443", false),
        ("https://[::1]:8443", false),
        ("https://localhost.example", true),
        ("https://128.0.0.1", true),
    ] {
        let endpoint = Endpoint::parse(url).expect("an endpoint");
        let set = |name| (name == "HTTPS_PROXY").then(|| "http://proxy.example:3128".to_owned());
        let proxy = Proxy::from_variables(set, &endpoint).expect("a proxy's URL");
        assert_eq!(proxy.is_some(), through, "{url}");
    }
}
