//! Labels that do not look like those of the images.

/// What is odd about the `labels` of images for a model with so many `classes`, as a sentence; `None` where nothing is.
pub fn odd_labels(labels: Option<&[i64]>, classes: usize) -> Option<String> {
    let Some(labels) = labels else { return Some("there are no labels: nothing is said of accuracy".into()) };
    let (least, most) = (labels.iter().min()?, labels.iter().max()?);
    if labels.len() > 1 && least == most {
        return Some(format!("all {} labels are {least}: they say little of accuracy", labels.len()));
    }
    let named = classes.max(2) as i64;
    (*least < 0 || *most >= named).then(|| {
        format!(
            "labels go from {least} to {most}, the model's classes from 0 to {}: are they counted from 0?",
            named - 1
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_looked_at() {
        let odd = |labels: &[i64]| odd_labels(Some(labels), 10);
        assert_eq!([odd(&[0, 9]), odd(&[]), odd(&[3])], [None, None, None]);
        assert_eq!(odd(&[3, 3, 3]).unwrap(), "all 3 labels are 3: they say little of accuracy");
        assert!(odd(&[1, 10]).unwrap().ends_with("from 0 to 9: are they counted from 0?"));
        assert!(odd_labels(None, 10).unwrap().starts_with("there are no labels"));
        assert_eq!(odd_labels(Some(&[0, 1]), 1), None, "one logit tells two classes apart");
    }
}
