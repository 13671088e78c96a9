//! Weights that stand in a file beside the model, as exporters write large ones (`m.onnx` and
//! `m.onnx.data`): fetched into the model before anything looks at it.
//!
//! A model from elsewhere must not make its reader open other files of the machine, so a location stays
//! inside the model's folder, links followed. No more is read than the tensor's shape asks for; together the weights may
//! exceed the 2 GiB that a protobuf can hold.

use super::attributes::tensors_mut;
use super::tensor::{MAX_BYTES, byte_len};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{GraphProto, TensorProto};

/// Fetches the data of every tensor of `graph` that stands outside the file `model`; else which tensor
/// is at fault, and why.
pub(super) fn load(graph: &mut GraphProto, model: &Path) -> Result<(), String> {
    let mut files = Files::beside(model);
    for tensor in tensors_mut(graph) {
        if tensor.data_location == Some(DataLocation::External as i32) {
            files.fetch(tensor).map_err(|what| format!("tensor '{}': {what}", tensor.name))?;
        }
    }
    Ok(())
}

/// Largest weights of a model, in bytes.
const MAX_WEIGHTS: u64 = 1 << 35;

/// The files that a model names.
struct Files {
    folder: PathBuf,
    open: HashMap<String, (File, u64)>,
    /// Bytes that have been read.
    read: u64,
    /// The lengths of all files, added up.
    stored: u64,
}

impl Files {
    fn beside(model: &Path) -> Self {
        let folder = model.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_path_buf();
        Self { folder, open: HashMap::new(), read: 0, stored: 0 }
    }

    fn fetch(&mut self, tensor: &mut TensorProto) -> Result<(), String> {
        let size = byte_len(tensor)?;
        let location =
            entry(tensor, "location").ok_or("it is stored outside the model, and not said where")?;
        let location = location.to_string();
        let number = |key: &str| match entry(tensor, key) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| format!("its {key} '{text}' is no number")),
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        if length.is_some_and(|length: u64| length != size) {
            let length = length.unwrap_or(0);
            return Err(format!("{length} bytes in '{location}' for a shape of {:?}", tensor.dims));
        }
        let raw_data = self.read(&location, offset, size)?;
        let (name, dims, data_type) = (tensor.name.clone(), tensor.dims.clone(), tensor.data_type);
        *tensor = TensorProto { name, dims, data_type, raw_data, ..TensorProto::default() };
        Ok(())
    }

    fn read(&mut self, location: &str, offset: u64, size: u64) -> Result<Vec<u8>, String> {
        if !self.open.contains_key(location) {
            let (file, length) = open(&self.folder, location)?;
            self.stored = self.stored.saturating_add(length);
            self.open.insert(location.into(), (file, length));
        }
        self.read = self.read.saturating_add(size);
        if self.read > MAX_WEIGHTS {
            return Err(format!("the model has more than {} GiB of weights", MAX_WEIGHTS >> 30));
        }
        // Weights may be shared, but a small file must not fill the memory.
        if self.read > MAX_BYTES.max(self.stored) {
            return Err("the tensors before it and itself have more bytes than their files".into());
        }
        let Some((file, length)) = self.open.get_mut(location) else { return Err("it is lost".into()) };
        if offset.checked_add(size).is_none_or(|end| end > *length) {
            return Err(format!(
                "'{location}' has {length} bytes, too few for the {size} from byte {offset} on; copy it again"
            ));
        }
        let mut bytes = Vec::new();
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.take(size).read_to_end(&mut bytes));
        match read {
            Ok(got) if got as u64 == size => Ok(bytes),
            Ok(_) => Err(format!("'{location}' is cut off")),
            Err(error) => Err(format!("'{location}' cannot be read ({error})")),
        }
    }
}

/// The file at `location` inside `folder`, and its length.
fn open(folder: &Path, location: &str) -> Result<(File, u64), String> {
    let outside = || {
        format!(
            "its data is in '{location}', which is not inside the model's folder; put the file beside the model"
        )
    };
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || !Path::new(location).components().all(inside) {
        return Err(outside());
    }
    let missing = |error: std::io::Error| {
        format!(
            "its data is in '{location}', which cannot be opened ({error}); copy it together with the model"
        )
    };
    let folder = folder.canonicalize().map_err(missing)?;
    let path = folder.join(location).canonicalize().map_err(missing)?;
    if !path.starts_with(&folder) {
        return Err(outside());
    }
    let metadata = path.metadata().map_err(missing)?;
    if !metadata.is_file() {
        return Err(format!("its data is in '{location}', which is no file"));
    }
    Ok((File::open(path).map_err(missing)?, metadata.len()))
}

fn entry<'a>(tensor: &'a TensorProto, key: &str) -> Option<&'a str> {
    tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}
