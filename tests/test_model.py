import numpy as np
import pytest
import torch
from toy import ToyDomain

from composer import checkpoint
from composer import model as models
from composer.critics import CriticConfig
from composer.errors import ModelError
from composer.gan.fragment_gan import GanConfig
from composer.model import ModelConfig, build, from_json, load_model, save_model

CONFIG = ModelConfig(
    gan=GanConfig(latent=4, generator_width=8), critics=CriticConfig(embedding=4, hidden=8)
)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setattr(models, "domain_class", lambda _: ToyDomain)


@pytest.fixture
def stored(tmp_path):
    model = build("toy", {}, CONFIG)
    model.known = np.array([[1, 2], [3, 3]], np.uint8)
    model.card = {"name": "tiny"}
    save_model(model, tmp_path / "m")
    return model, tmp_path / "m"


def test_comes_back_as_it_was_in_half_precision(stored):
    model, path = stored
    loaded = load_model(path)
    assert loaded.config == CONFIG
    assert loaded.card == {"name": "tiny"}
    assert np.array_equal(loaded.known, model.known)
    for a, b in zip(model.generator.parameters(), loaded.generator.parameters(), strict=True):
        assert torch.equal(a.half().float(), b)
        assert not b.requires_grad
    assert len(loaded.hash) == 64
    assert loaded.world().known.features.shape == (2, 12)


def test_a_run_folder_leads_to_its_model(stored):
    _, path = stored
    path.rename(path.parent / "run-model")
    run = path.parent / "run"
    run.mkdir()
    (path.parent / "run-model").rename(run / "model")
    assert load_model(run).card == {"name": "tiny"}


def test_missing_foreign_and_damaged_models_are_named(stored, tmp_path):
    _, path = stored
    with pytest.raises(ModelError, match="no model 'nowhere'"):
        load_model("nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="latest"):
        load_model(tmp_path / "empty")
    weights = path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        load_model(path)


def test_networks_of_another_version_are_refused_in_a_sentence(stored):
    model, path = stored
    tensors = model.tensors()
    narrow = next(name for name in tensors if name.endswith("from_candidate.weight"))
    tensors[narrow] = tensors[narrow][:, 1:].contiguous()
    checkpoint.save(path, {"model": tensors}, {"config": model.document()})
    with pytest.raises(ModelError, match=r"train the model again$"):
        load_model(path)


def test_a_configuration_of_another_version_is_refused():
    assert from_json(ModelConfig, {"gan": {"latent": 9}}).gan.latent == 9
    with pytest.raises(ModelError, match=r"of another version .* train it again"):
        from_json(ModelConfig, {"gan": {"moon": 1}})
