//! The gateway's own key: 32 random bytes in its data folder, made at the first start, the same ever after. Tokens and the fingerprints
//! of idempotency are derived from it.

use super::StartFault;
use crate::seal::Random;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The key of a data folder; made, synced and readable by its owner only when there is none.
pub(super) fn open(data: &Path, random: &dyn Random) -> Result<[u8; 32], StartFault> {
    let path = data.join("key");
    match fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_| StartFault::Key(path)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            random.fill(&mut key);
            let draft = data.join("key.draft");
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all(&key)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(data)?.sync_all()?;
            Ok(key)
        }
        Err(source) => Err(StartFault::Read { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::SystemRandom;

    #[test]
    fn the_key_is_made_once_and_kept_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let first = open(dir.path(), &SystemRandom).unwrap();
        assert_eq!(open(dir.path(), &SystemRandom).unwrap(), first);
        assert_ne!(first, [0; 32]);
        let mode = fs::metadata(dir.path().join("key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }

    #[test]
    fn a_broken_key_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("key"), b"short").unwrap();
        assert!(matches!(open(dir.path(), &SystemRandom), Err(StartFault::Key(_))));
        assert_eq!(fs::read(dir.path().join("key")).unwrap(), b"short");
    }
}
