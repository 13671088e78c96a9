//! Whether what is written would go over what is read.

use std::path::Path;

/// Whether both paths name one file, which exists; also by way of links and other folders.
pub fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_by_any_path() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other, absent] = ["one", "other", "absent"].map(|name| folder.path().join(name));
        std::fs::write(&one, "x").unwrap();
        std::fs::write(&other, "x").unwrap();
        assert!(is_same(&one, &folder.path().join(".").join("one")));
        assert!(!is_same(&one, &other) && !is_same(&one, &absent) && !is_same(&absent, &absent));
    }
}
