//! Checksums, by which a result names what it was made from.

use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    in_hexadecimal(&Sha256::digest(bytes))
}

/// Two digits a byte.
pub fn in_hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
