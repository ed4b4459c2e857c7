//! Versions of the API: fixed by the caller, or negotiated.

use std::fmt;

use farside_models_vcda::{CloudSite, operation};
use farside_transport::CallError;
use farside_wire::{Query, RawJson};
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::client::VcdaClient;

/// A version of the API, `4.6`, as it stands in the media type of requests and answers (VCDA wire rules 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    major: u16,
    minor: Option<u16>,
}

/// Stands before the version in a media type.
const MEDIA_TYPE: &str = "application/vnd.vmware.h4-v";

impl ApiVersion {
    /// The newest version that these models know.
    pub const NEWEST: Self = Self::of(4, 7);
    /// From this version on a health check is a POST; up to 4.5 it is a GET. Of 4.6 no page was read (VCDA wire rules
    /// 15).
    pub(crate) const POSTS_HEALTH: Self = Self::of(4, 6);

    const fn of(major: u16, minor: u16) -> Self {
        Self {
            major,
            minor: Some(minor),
        }
    }

    /// Reads `4.6`, or `3` as old services write it; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        match text.split_once('.') {
            Some((major, minor)) => Some(Self {
                major: number(major)?,
                minor: Some(number(minor)?),
            }),
            None => Some(Self {
                major: number(text)?,
                minor: None,
            }),
        }
    }

    /// The version in the media type of an answer; `None` if it has none.
    fn of_media_type(media_type: &str) -> Option<Self> {
        let (version, _) = media_type.strip_prefix(MEDIA_TYPE)?.split_once('+')?;
        Self::parse(version)
    }

    /// What answers in this version are asked for with.
    pub(crate) fn media_type(self) -> HeaderValue {
        let text = format!("{MEDIA_TYPE}{self}+json;charset=UTF-8");
        // Letters, digits, and signs that a header may hold.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("application/json"))
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            Some(minor) => write!(f, "{}.{minor}", self.major),
            None => write!(f, "{}", self.major),
        }
    }
}

impl VcdaClient {
    /// The same client, speaking the newest version that both sides know: what the service's own entry in the list of
    /// sites says or, where it says nothing, what the answer is labelled with; [`ApiVersion::NEWEST`] at most. Where
    /// neither says anything, the version stays as it is. That a label tells what a service speaks is inferred from a
    /// client that goes by it (VCDA wire rules 2).
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn negotiated(&self) -> Result<Self, CallError> {
        let ask = self.ask(&operation::SITES_LIST, "the sites", &[], &Query::new());
        let (answer, context) = self.answer(ask).await?;
        let sites: Vec<RawJson> = context.read(&answer)?;
        let sites = sites.iter().filter_map(|site| site.decode::<CloudSite>().ok());
        let local = sites.into_iter().find(|site| site.is_local == Some(true));
        let said = local.and_then(|site| ApiVersion::parse(site.api_version.as_deref()?));
        let label = answer
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|label| ApiVersion::of_media_type(label.to_str().ok()?));
        let version = said.or(label).unwrap_or(self.api_version());
        Ok(self.speaking(version.min(ApiVersion::NEWEST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_media_types_and_ordered() {
        let label = "application/vnd.vmware.h4-v4.3+json;charset=UTF-8";
        assert_eq!(ApiVersion::of_media_type(label), ApiVersion::parse("4.3"));
        assert_eq!(ApiVersion::of_media_type("application/json"), None);
        let old = ApiVersion::parse("3").unwrap();
        assert!(old < ApiVersion::POSTS_HEALTH && ApiVersion::POSTS_HEALTH < ApiVersion::NEWEST);
        assert_eq!(
            old.media_type(),
            "application/vnd.vmware.h4-v3+json;charset=UTF-8"
        );
        for wrong in ["", "4.", ".6", "4.6.0", "4,6", "-4", "4.6\r\n", "99999"] {
            assert_eq!(ApiVersion::parse(wrong), None, "{wrong:?}");
        }
    }
}
