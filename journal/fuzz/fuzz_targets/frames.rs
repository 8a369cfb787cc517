//! Any bytes, taken for frames, for a payload and for a header.
#![no_main]

use journal::Header;
use journal::codec::{Codec, codec};
use libfuzzer_sys::fuzz_target;

fn records(codec: &dyn Codec, raw: &[u8]) {
    for frame in codec.frames(raw).unwrap_or_default() {
        let _ = codec.record(frame);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some(codec) = codec(1) else { return };
    records(codec, bytes);
    if let Some((claimed, payload)) = bytes.split_first_chunk() {
        records(codec, &codec.unpack(payload, u32::from_le_bytes(*claimed)).unwrap_or_default());
    }
    if let Some((header, _)) = bytes.split_first_chunk() {
        let _ = Header::from_bytes(header);
    }
});
