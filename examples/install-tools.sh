# Sourced by the other scripts: installs what building GMP needs beside Rust (a C compiler, make, m4),
# on Debian and Ubuntu; elsewhere says what is missing.

missing=""
for tool in cc make m4; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done

if ! command -v cargo >/dev/null; then
    echo "Rust is missing: see https://rustup.rs" >&2
    exit 1
fi

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null; then
        echo "please install:$missing" >&2
        exit 1
    fi
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq gcc libc6-dev make m4
fi
