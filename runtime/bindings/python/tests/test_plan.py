"""Plans in memory and in files."""

import numpy as np
import pytest

import popcorn


def test_a_plan_survives_its_file(plan, tmp_path):
    plan.save(tmp_path / "copy.plan")
    again = popcorn.Plan.load(tmp_path / "copy.plan")
    assert (again.id, again.cost(), again.outputs) == (plan.id, plan.cost(), plan.outputs)


def test_files_that_are_no_plans_are_refused(tmp_path):
    (tmp_path / "bad.plan").write_bytes(b"nonsense")
    with pytest.raises(popcorn.InvalidInput):
        popcorn.Plan.load(tmp_path / "bad.plan")
    with pytest.raises(popcorn.SystemFailure):
        popcorn.Plan.load(tmp_path / "nowhere.plan")


def test_phases_add_up_to_at_most_the_total(plan):
    total, offline, online = [plan.cost(phase) for phase in ("total", "offline", "online")]
    assert 0 < online.bytes < offline.bytes + online.bytes <= total.bytes
    with pytest.raises(popcorn.InvalidInput):
        plan.cost("later")


def test_a_report_is_a_page(plan, tmp_path):
    page = tmp_path / "r.html"
    plan.report(page, link="100/20")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and plan.id in text and "100 Mbit/s, 20 ms round trip" in text
    with pytest.raises(popcorn.InvalidInput):
        plan.report(page, link="fast")
    with pytest.raises(popcorn.InvalidInput):
        plan.report(page, profile=page)
    with pytest.raises(popcorn.SystemFailure):
        plan.report(tmp_path / "nowhere" / "r.html")


def test_digits_are_recognised(plan, digits):
    images, labels = digits
    evaluation = plan.evaluate(images, labels)
    assert evaluation.images == len(labels) and evaluation.accuracy == (evaluation.labels == labels).mean() >= 0.9
    with pytest.raises(popcorn.InvalidInput):
        plan.evaluate(images, labels[1:])


def test_images_have_one_of_a_few_shapes(plan, digits):
    image = digits[0][7].reshape(28, 28)
    expected = plan.predict(image).scores
    for shaped in [image[None], image[..., None], image.ravel(), image.astype(np.float64)]:
        assert (plan.predict(shaped).scores == expected).all()
    for wrong in [image[1:], np.zeros((3, 28, 28)), np.full((28, 28), 256.0), np.full((28, 28), np.nan)]:
        with pytest.raises(popcorn.InvalidInput):
            plan.predict(wrong)


def test_batches_are_lists_or_arrays_with_an_axis_more(plan, digits):
    images, labels = digits
    for batch in [images[:3], list(images[:3]), [image[0] for image in images[:3]], tuple(images[:3])]:
        assert [prediction.label for prediction in plan.predict(batch)] == list(labels[:3])
    assert len(plan.predict(images[:1])) == 1 and plan.predict([]) == []
    assert plan.predict(images[0].tolist()).label == plan.predict(images[0][0].tolist()).label == labels[0]


def test_pictures_are_read_as_arrays_are(plan, digits):
    pictures = pytest.importorskip("PIL.Image")
    for image in digits[0][:2].reshape(2, 28, 28):
        for mode in ["L", "RGB"]:
            picture = pictures.fromarray(image.astype(np.uint8)).convert(mode)
            assert (plan.predict(picture).scores == plan.predict(image).scores).all()


def test_predictions_hold_together(plan, digits):
    prediction = plan.predict(digits[0][5])
    assert prediction.label == prediction.ranking[0] == prediction.scores.argmax() == prediction.labels
    assert prediction.probabilities.argmax() == prediction.label
    assert list(prediction.outputs.values())[0] is prediction.scores
