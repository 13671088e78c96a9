//! Key files: encrypted with a passphrase, and refused where others can read them.

use super::{Fixture, assert_private, failure, json};
use runtime::files::write_private;

#[test]
fn a_key_is_encrypted_with_a_passphrase() {
    let fixture = Fixture::new();
    for (name, text) in [("right.txt", "correct horse\n"), ("wrong.txt", "battery staple\n")] {
        write_private(&fixture.path(name), text.as_bytes()).expect("written");
    }
    let make = ["keygen", "-o", "me.key", "--key-bits", "2048", "--passphrase-file", "right.txt"];
    assert!(fixture.run(&make).status.success());
    assert_private(&fixture.path("me.key"));
    let ask = ["run", "model.plan", "--input", "image.npy", "--key", "me.key", "--json"];
    let with = |file: &str| fixture.run(&[&ask[..], &["--passphrase-file", file]].concat());
    assert_eq!(json(&with("right.txt"))["label"], 1);
    let wrong = failure(&with("wrong.txt"));
    assert!(wrong.contains("me.key: the passphrase is wrong"), "{wrong}");
    // Before anybody is connected to.
    let ask = ["infer", "--connect", "127.0.0.1:1", "--input", "image.npy", "--key", "me.key"];
    let wrong = failure(&fixture.run(&[&ask[..], &["--passphrase-file", "wrong.txt"]].concat()));
    assert!(wrong.contains("me.key: the passphrase is wrong"), "{wrong}");
    std::fs::write(fixture.path("open.txt"), "correct horse\n").expect("written");
    assert!(!cfg!(unix) || failure(&with("open.txt")).contains("chmod 600 open.txt"));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    assert!(fixture.run(&["keygen", "-o", "me.key", "--key-bits", "2048"]).status.success());
    let path = fixture.path("me.key");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let ask = ["run", "model.plan", "--input", "image.npy", "--key", "me.key", "--json"];
    let refused = failure(&fixture.run(&ask));
    assert!(refused.contains("me.key (mode 0644)") && refused.contains("chmod 600 me.key"), "{refused}");
    assert!(
        std::process::Command::new("chmod")
            .args(["600".as_ref(), path.as_os_str()])
            .status()
            .expect("run")
            .success()
    );
    assert_eq!(json(&fixture.run(&ask))["label"], 1);
}
