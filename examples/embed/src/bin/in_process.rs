//! Compiles a model, serves it and asks it, all in one process: `in_process MODEL.onnx IMAGE CALIBRATION.npz`.

use popcorn::data::{Fit, ImageSource};
use popcorn::{Client, Server};
use popcorn_compiler::{CompileOptions, Dataset, InputOptions, Model};
use std::error::Error;
use std::net::TcpListener;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, image, calibration] = &arguments[..] else {
        return Err("usage: in_process MODEL.onnx IMAGE CALIBRATION.npz".into());
    };
    let model = Model::read(Path::new(model))?;
    let calibration = Dataset::read(Path::new(calibration), model.input)?;
    let compiled = model.compile(&CompileOptions {
        input: InputOptions { scale: 1.0 / 255.0, ..InputOptions::default() },
        calibration: Some(calibration.into()),
        ..CompileOptions::default()
    })?;
    compiled.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    let id = compiled.plan.id();
    let running = Server::builder(compiled.plan).build()?.start(TcpListener::bind("127.0.0.1:0")?)?;
    let mut client = Client::connect(running.address().to_string()).plan(id).open()?;
    let pixels = image.parse::<ImageSource>()?.read(&client.plan().input, Fit::Exact)?;
    println!("class {}", client.infer(&pixels)?.label());
    Ok(())
}
