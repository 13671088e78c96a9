#!/usr/bin/env bash
# From nothing to a private prediction: installs what is missing, builds, compiles the MNIST network,
# starts a server on this machine and asks it about a drawn digit over TCP.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/install-tools
cargo build --release --locked
popcorn=${CARGO_TARGET_DIR:-target}/release/popcorn
popcornc=${CARGO_TARGET_DIR:-target}/release/popcornc

work=$(mktemp -d)
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT

"$popcornc" compile testdata/mnist-cnn.onnx -o "$work/mnist-cnn.plan" --input-scale 1/255 \
    --calibration testdata/digits/all.npz
"$popcorn" serve "$work/mnist-cnn.plan" --listen 127.0.0.1:0 >"$work/serving" &
server=$!
until address=$(sed -n 's/.* on //p' "$work/serving") && [ -n "$address" ]; do
    kill -0 "$server" # ends the script if the server could not start
    sleep 0.1
done
"$popcorn" infer --connect "$address" --input "${1:-testdata/digits/7.png}"
