//! Answers in a file: arrays, or pictures.

use runtime::Result;
use runtime::console;
use runtime::data::{Array, Painted, Planes, Values, as_raw, paint_classes, write_npy, write_npz};
use runtime::error::InvalidInput;
use runtime::plan::{ClientPlan, OutputPart, OutputSpec, Preprocessing, Revealed, spelled};
use runtime::roles::client::Prediction;
use std::fs::File;
use std::path::{Path, PathBuf};

/// More values beyond black and white than this share are told.
const CLAMPED: f64 = 0.01;

/// All answers so far, where they are wanted.
pub(crate) struct Saved {
    file: Option<Destination>,
    /// An array for each output, or one of labels, of all images so far.
    arrays: Vec<(String, Array)>,
    output: OutputSpec,
    images: usize,
}

/// Where answers go.
struct Destination {
    path: PathBuf,
    form: Form,
}

enum Form {
    Npy,
    Npz,
    Png(Picture),
}

/// What a picture shows.
enum Picture {
    /// Values, from black to white.
    Values { planes: Planes, range: Option<(f64, f64)>, preprocessing: Preprocessing },
    /// The class of each pixel, of so many rows and columns.
    Classes([usize; 2]),
}

impl Saved {
    /// For the answers of `plan`, to be written to `path`; in pictures, `range` is black and white.
    ///
    /// # Errors
    /// The file's name has no ending for such answers, or it cannot be written.
    pub(crate) fn new(path: Option<&Path>, range: Option<(f64, f64)>, plan: &ClientPlan) -> Result<Self> {
        let array = |part: &OutputPart| {
            let array = match plan.output.revealed {
                Revealed::Label => Array { shape: part.label_axes(), values: Values::Classes(Vec::new()) },
                Revealed::Logits => Array { shape: part.axes.clone(), values: Values::Numbers(Vec::new()) },
            };
            (part.name.clone(), array)
        };
        let arrays = plan.output.parts.iter().map(array).collect();
        let file = path.map(|path| Destination::new(path, range, plan)).transpose()?;
        Ok(Self { file, arrays, output: plan.output.clone(), images: 0 })
    }

    /// Keeps an answer; a picture is written at once.
    ///
    /// # Errors
    /// The picture cannot be written.
    pub(crate) fn add(&mut self, prediction: &Prediction) -> Result<()> {
        let image = self.images;
        self.images += 1;
        match &self.file {
            None => Ok(()),
            Some(Destination { path, form: Form::Png(picture) }) => {
                let path = numbered(path, image);
                let painted = picture.paint(prediction);
                if painted.clamped > CLAMPED {
                    let percent = 100.0 * painted.clamped;
                    console::note(&format!(
                        "{}: {percent:.1} % of the values are beyond black and white (--output-range)",
                        path.display()
                    ));
                }
                Ok(painted.write(&path).map_err(|error| InvalidInput::file(&path, error))?)
            }
            Some(_) => {
                let numbers = self.output.split(&prediction.logits);
                for ((_, array), (_, numbers)) in self.arrays.iter_mut().zip(numbers) {
                    match &mut array.values {
                        Values::Numbers(all) => all.extend(numbers.iter().map(|&number| number as f32)),
                        Values::Classes(all) => {
                            all.extend(prediction.labels().iter().map(|&class| class as i64))
                        }
                    }
                }
                Ok(())
            }
        }
    }

    /// Writes arrays: of one answer as it is, of several with an axis for them first.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(mut self) -> Result<()> {
        let Some(Destination { path, form }) = &self.file else { return Ok(()) };
        if self.images != 1 {
            self.arrays.iter_mut().for_each(|(_, array)| array.shape.insert(0, self.images));
        }
        let written = match form {
            Form::Npy => write_npy(path, &self.arrays[0].1),
            Form::Npz => write_npz(path, &self.arrays),
            Form::Png(_) => Ok(()),
        };
        Ok(written.map_err(|error| InvalidInput::file(path, error))?)
    }
}

impl Destination {
    fn new(
        path: &Path,
        range: Option<(f64, f64)>,
        plan: &ClientPlan,
    ) -> std::result::Result<Self, InvalidInput> {
        let refused = |what: &str| Err(InvalidInput::file(path, what));
        let several = plan.output.parts.len() > 1;
        let form = match path.extension().and_then(|ending| ending.to_str()) {
            Some("npy" | "png") if several => {
                return refused("the plan reveals several outputs; name the file .npz");
            }
            Some("npy") => Form::Npy,
            Some("npz") => Form::Npz,
            Some("png") => Form::Png(Picture::new(path, range, plan)?),
            _ => return refused("answers are written as .npy, .npz or .png"),
        };
        if !matches!(form, Form::Png(_)) {
            // Before anything is asked: what is there stays until the answers are.
            let opened = File::options().append(true).create(true).open(path);
            opened.map_err(|error| InvalidInput::file(path, error))?;
        }
        Ok(Self { path: path.into(), form })
    }
}

impl Picture {
    fn new(
        path: &Path,
        range: Option<(f64, f64)>,
        plan: &ClientPlan,
    ) -> std::result::Result<Self, InvalidInput> {
        let part = &plan.output.parts[0];
        let labels: Vec<usize> = part.label_axes().into_iter().filter(|&axis| axis > 1).collect();
        if let (Some(_), [height, width]) = (part.classes, &labels[..]) {
            return Ok(Picture::Classes([*height, *width]));
        }
        let Some(planes) = Planes::of(&part.axes, plan.input.preprocessing.colours) else {
            let axes = spelled(&part.axes);
            let what = format!("a picture has 1 or 3 channels, not {axes}; name the file .npy");
            return Err(InvalidInput::file(path, what));
        };
        let preprocessing = plan.input.preprocessing.clone();
        if range.is_none() && ![1, planes.channels()].contains(&preprocessing.mean.len()) {
            let what =
                "the model's pictures have other channels than its images; give --output-range LOW,HIGH";
            return Err(InvalidInput::file(path, what));
        }
        Ok(Picture::Values { planes, range, preprocessing })
    }

    fn paint(&self, prediction: &Prediction) -> Painted {
        match self {
            Picture::Classes(size) => paint_classes(prediction.labels(), *size),
            Picture::Values { planes, range: Some((low, high)), .. } => {
                planes.paint(&prediction.logits, |_, value| (value - low) / (high - low))
            }
            Picture::Values { planes, range: None, preprocessing } => {
                planes.paint(&prediction.logits, as_raw(preprocessing))
            }
        }
    }
}

/// `map.png` for the first image, `map-001.png` for the next, and so on.
fn numbered(path: &Path, image: usize) -> PathBuf {
    if image == 0 {
        return path.into();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(format!("{stem}-{image:03}.png"))
}
