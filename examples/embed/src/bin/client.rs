//! A client application: `client ADDRESS IMAGE [KEY]`.

use popcorn::data::{Fit, ImageSource};
use popcorn::observe::StepReport;
use popcorn::{Client, ClientKey, KeyBits, Observer};
use std::error::Error;
use std::path::Path;

/// Prints a dot for every step.
struct Dots;

impl Observer for Dots {
    fn step(&mut self, _report: StepReport) {
        eprint!(".");
    }
}

/// The key in a file, made where there is none.
fn key(path: &Path) -> Result<ClientKey, Box<dyn Error>> {
    if path.exists() {
        return Ok(ClientKey::read(path)?);
    }
    let key = ClientKey::generate(KeyBits::default())?;
    key.write(path)?;
    Ok(key)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, image, rest @ ..] = &arguments[..] else {
        return Err("usage: client ADDRESS IMAGE [KEY]".into());
    };
    let mut builder = Client::connect(address).observer(Dots);
    if let [path] = rest {
        builder = builder.key(key(Path::new(path))?);
    }
    let mut client = builder.open()?;
    let pixels = image.parse::<ImageSource>()?.read(&client.plan().input, Fit::Exact)?;
    client.prepare(1)?; // would go on while the user looks for an image
    let prediction = client.infer(&pixels)?;
    let spent = client.spending();
    eprintln!();
    println!(
        "class {}, {:.0} ms after the image",
        prediction.label(),
        1e3 * spent.online.elapsed.as_secs_f64()
    );
    Ok(())
}
