//! The page that shows the world.

use crate::exchange::Answer;

/// Nothing but the page's own files, and nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The file of this path, if it is one of the page's.
pub(super) fn file(path: &str) -> Option<Answer> {
    let (media_type, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("../page/index.html")),
        "/page.css" => ("text/css; charset=utf-8", include_str!("../page/page.css")),
        "/page.js" => ("text/javascript; charset=utf-8", include_str!("../page/page.js")),
        // Browsers ask for it unasked.
        "/favicon.ico" => return Some(Answer::empty(204)),
        _ => return None,
    };
    let mut answer = Answer::empty(200)
        .header("content-type", media_type)
        .header("content-security-policy", POLICY)
        .header("referrer-policy", "no-referrer");
    answer.body = text.into();
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_fetches_nothing_from_elsewhere_and_makes_no_markup_of_data() {
        for path in ["/", "/page.css", "/page.js"] {
            let answer = file(path).unwrap();
            let text = std::str::from_utf8(&answer.body).unwrap();
            let forbidden = [
                "http://",
                "https://",
                "innerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "style=",
            ];
            for forbidden in forbidden {
                assert!(!text.contains(forbidden), "{path} has {forbidden}");
            }
            let policy = answer.header_text("content-security-policy").unwrap();
            assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
        }
        assert_eq!(file("/page.html"), None);
    }
}
