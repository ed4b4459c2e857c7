//! The SHA-256 thumbprint of a certificate, as shown by tools and as pinned by users.

use std::fmt;
use std::str::FromStr;

/// SHA-256 thumbprint of a host's own (leaf) certificate.
///
/// Printed as `SHA-256:AB:CD:...`. Read in any case, with or without the prefix (`SHA-256:` or `SHA256:`) and
/// with or without colons.
///
/// ```
/// use farside_transport::Pin;
/// let pin: Pin = "00ff".repeat(16).parse()?;
/// assert!(pin.to_string().starts_with("SHA-256:00:FF:00:FF:"));
/// assert_eq!(pin.to_string().to_lowercase().parse::<Pin>()?, pin);
/// # Ok::<(), farside_transport::ParsePinError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The pin with this SHA-256 digest of the certificate's DER form.
    #[must_use]
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHA-256")?;
        self.0.iter().try_for_each(|byte| write!(f, ":{byte:02X}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no SHA-256 thumbprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParsePinError {
    /// 40 hexadecimal digits, or a `SHA-1` prefix.
    #[error(
        "this is a SHA-1 thumbprint; SHA-1 can be forged, so give the SHA-256 one (64 hexadecimal digits)"
    )]
    Sha1,
    /// Another number of digits.
    #[error("a SHA-256 thumbprint has 64 hexadecimal digits, this text has {digits}")]
    Length {
        /// Digits in the text, prefix and colons left out.
        digits: usize,
    },
    /// Something else than digits, colons and the prefix.
    #[error("{found:?} is not a hexadecimal digit")]
    Digit {
        /// The first character that does not belong.
        found: char,
    },
}

impl FromStr for Pin {
    type Err = ParsePinError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let upper = text.trim().to_ascii_uppercase();
        if upper.starts_with("SHA-1:") || upper.starts_with("SHA1:") {
            return Err(ParsePinError::Sha1);
        }
        let bare = ["SHA-256:", "SHA256:"]
            .iter()
            .find_map(|prefix| upper.strip_prefix(prefix))
            .unwrap_or(&upper);
        let digits = bare
            .chars()
            .filter(|c| *c != ':')
            .map(|c| {
                c.to_digit(16)
                    .map(|digit| digit as u8)
                    .ok_or(ParsePinError::Digit { found: c })
            })
            .collect::<Result<Vec<u8>, _>>()?;
        match digits.len() {
            64 => Ok(Self(digest_of(&digits))),
            40 => Err(ParsePinError::Sha1),
            count => Err(ParsePinError::Length { digits: count }),
        }
    }
}

/// Packs 64 digits, each below 16, into 32 bytes.
fn digest_of(digits: &[u8]) -> [u8; 32] {
    let mut digest = [0_u8; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |value, digit| (value << 4) | digit);
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789ABCDEF";

    #[test]
    fn every_accepted_form_means_the_same_pin() {
        let pin: Pin = BARE.parse().expect("bare digits");
        let printed = pin.to_string();
        assert_eq!(printed.len(), "SHA-256".len() + 32 * 3);
        assert!(printed.starts_with("SHA-256:01:23:45:67:89:AB:CD:EF:01"));
        for form in [
            printed.clone(),
            printed.to_lowercase(),
            format!("sha256:{BARE}"),
            printed.replace("SHA-256:", ""),
        ] {
            assert_eq!(form.parse::<Pin>(), Ok(pin), "{form}");
        }
    }

    #[test]
    fn sha_1_is_refused_with_the_reason() {
        let error = "ab".repeat(20).parse::<Pin>().expect_err("40 digits");
        assert_eq!(error, ParsePinError::Sha1);
        assert!(error.to_string().contains("SHA-1 can be forged"));
        assert_eq!(
            format!("SHA-1:{}", "ab".repeat(20)).parse::<Pin>(),
            Err(ParsePinError::Sha1)
        );
    }

    #[test]
    fn other_lengths_and_characters_are_named() {
        assert_eq!("".parse::<Pin>(), Err(ParsePinError::Length { digits: 0 }));
        assert_eq!("abc".parse::<Pin>(), Err(ParsePinError::Length { digits: 3 }));
        assert_eq!(
            BARE.replace('0', "g").parse::<Pin>(),
            Err(ParsePinError::Digit { found: 'G' })
        );
    }
}
