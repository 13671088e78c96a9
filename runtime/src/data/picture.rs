//! PNG and JPEG pictures as pixel planes.

use super::fit::Planes;
use crate::plan::{Colours, Shape};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// Wider or higher pictures are refused.
const MAX_SIDE: u32 = 1 << 14;
/// Decoders may allocate this much.
const MAX_MEMORY: u64 = 1 << 30;
/// 16-bit pixels are this much larger than 8-bit ones: 65,535 = 255 · 257.
const WIDE_PIXEL: f32 = 257.0;

/// Decodes `bytes`; the pixels are 0 to 255 (16-bit pixels divided by 257). Transparency is ignored; pictures are turned as their
/// camera says (EXIF).
///
/// A `target` of three channels makes three planes, in the order of `colours`, one of one channel a grey one
/// (0.299 red + 0.587 green + 0.114 blue); a vector whichever of the two has its length.
pub(super) fn decode(bytes: &[u8], target: Shape, colours: Colours) -> Result<Planes, String> {
    let picture = open(bytes)?;
    let shape = |channels| Shape::new(channels, picture.height() as usize, picture.width() as usize);
    let grey = match target.channels {
        1 => true,
        3 => false,
        length if target == Shape::vector(length) && length == shape(1).elements() => true,
        length if target == Shape::vector(length) && length == shape(3).elements() => false,
        channels => {
            return Err(format!("a picture has 1 or 3 channels; the model takes {channels} ({target})"));
        }
    };
    Ok(if grey {
        Planes { shape: shape(1), pixels: grey_plane(&picture) }
    } else {
        Planes { shape: shape(3), pixels: colour_planes(&picture, colours) }
    })
}

fn open(bytes: &[u8]) -> Result<DynamicImage, String> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err("neither a PNG nor a JPEG picture".into());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    if decoder.total_bytes() > MAX_MEMORY {
        return Err("the picture is too large".into());
    }
    let turned = decoder.orientation().map_err(|error| error.to_string())?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    picture.apply_orientation(turned);
    Ok(picture)
}

fn grey_plane(picture: &DynamicImage) -> Vec<f32> {
    if !picture.color().has_color() {
        return picture.to_luma16().iter().map(|&pixel| f32::from(pixel) / WIDE_PIXEL).collect();
    }
    let weigh = |pixel: &image::Rgb<u16>| {
        let [red, green, blue] = pixel.0.map(f64::from);
        ((0.299 * red + 0.587 * green + 0.114 * blue) / f64::from(WIDE_PIXEL)) as f32
    };
    picture.to_rgb16().pixels().map(weigh).collect()
}

fn colour_planes(picture: &DynamicImage, colours: Colours) -> Vec<f32> {
    let pixels = picture.to_rgb16();
    let channels: [usize; 3] = match colours {
        Colours::Rgb => [0, 1, 2],
        Colours::Bgr => [2, 1, 0],
    };
    channels
        .into_iter()
        .flat_map(|channel| pixels.pixels().map(move |pixel| f32::from(pixel.0[channel]) / WIDE_PIXEL))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::png::PngEncoder;
    use image::{ImageEncoder, Luma, Rgb};

    fn png(picture: DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn eight_bit_pixels_stay_what_they_are() {
        let picture = image::GrayImage::from_fn(256, 2, |x, _| Luma([x as u8]));
        let planes = decode(&png(picture.into()), Shape::new(1, 2, 256), Colours::Rgb).unwrap();
        assert_eq!(planes.shape, Shape::new(1, 2, 256));
        assert!(planes.pixels.iter().enumerate().all(|(i, &pixel)| pixel == (i % 256) as f32));
    }

    #[test]
    fn sixteen_bit_pixels_are_scaled_to_255() {
        let picture = image::ImageBuffer::<Luma<u16>, _>::from_fn(2, 1, |x, _| {
            Luma([if x == 0 { 65_535 } else { 128 }])
        });
        let planes = decode(&png(picture.into()), Shape::new(1, 1, 2), Colours::Rgb).unwrap();
        assert_eq!(planes.pixels, [255.0, 128.0 / 257.0]);
    }

    /// EXIF of one entry: the orientation.
    fn exif(orientation: u8) -> Vec<u8> {
        let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
        [&b"II*\0"[..], &[8, 0, 0, 0, 1, 0], &entry, &[0; 4]].concat()
    }

    /// The picture 0 1 2 / 3 4 5 as it was taken; how each of the eight orientations turns it.
    #[test]
    fn pictures_are_turned_as_their_camera_says() {
        let turned: [(usize, [u8; 6]); 8] = [
            (2, [0, 1, 2, 3, 4, 5]),
            (2, [2, 1, 0, 5, 4, 3]),
            (2, [5, 4, 3, 2, 1, 0]),
            (2, [3, 4, 5, 0, 1, 2]),
            (3, [0, 3, 1, 4, 2, 5]),
            (3, [3, 0, 4, 1, 5, 2]),
            (3, [5, 2, 4, 1, 3, 0]),
            (3, [2, 5, 1, 4, 0, 3]),
        ];
        let picture = image::GrayImage::from_fn(3, 2, |x, y| Luma([(3 * y + x) as u8]));
        for (orientation, (height, expected)) in (1..).zip(turned) {
            let mut bytes = Vec::new();
            let mut encoder = PngEncoder::new(&mut bytes);
            encoder.set_exif_metadata(exif(orientation)).unwrap();
            picture.write_with_encoder(encoder).unwrap();
            let shape = Shape::new(1, height, 6 / height);
            let planes = decode(&bytes, shape, Colours::Rgb).unwrap();
            assert_eq!(
                (planes.shape, planes.pixels),
                (shape, expected.map(f32::from).to_vec()),
                "{orientation}"
            );
        }
    }

    #[test]
    fn colours_become_planes_or_grey() {
        let picture =
            image::RgbImage::from_fn(2, 1, |x, _| if x == 0 { Rgb([1, 2, 3]) } else { Rgb([10, 20, 30]) });
        let bytes = png(picture.into());
        let coloured = |colours| decode(&bytes, Shape::new(3, 1, 2), colours).unwrap().pixels;
        assert_eq!(coloured(Colours::Rgb), [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
        assert_eq!(coloured(Colours::Bgr), [3.0, 30.0, 2.0, 20.0, 1.0, 10.0]);
        let grey = decode(&bytes, Shape::new(1, 1, 2), Colours::Rgb).unwrap().pixels;
        assert!((grey[1] - 18.15).abs() < 1e-5);
        assert_eq!(decode(&bytes, Shape::vector(6), Colours::Rgb).unwrap().shape, Shape::new(3, 1, 2));
        assert_eq!(
            decode(&bytes, Shape::new(4, 1, 2), Colours::Rgb).unwrap_err(),
            "a picture has 1 or 3 channels; the model takes 4 (4x1x2)"
        );
    }

    #[test]
    fn a_picture_cut_off_or_too_large_is_refused() {
        let bytes = png(image::GrayImage::new(40, 40).into());
        assert!(decode(&bytes[..bytes.len() / 2], Shape::new(1, 40, 40), Colours::Rgb).is_err());
        let mut huge = bytes;
        huge[16..20].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(decode(&huge, Shape::new(1, 40, 40), Colours::Rgb).is_err());
    }
}
