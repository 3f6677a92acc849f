"""A data set, text encoder and config small enough to train on in a second, without shared data."""

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from motionary.formats.bvh import write_bvh
from motionary.motion import Clip
from motionary.starter import starter_clips
from motionary_training.config import (
    AugmentConfig,
    Config,
    DataConfig,
    MotionConfig,
    OptimiserConfig,
    TextConfig,
)
from motionary_training.data import Pairs, Sample, make_pairs

WORDS = ("walk", "run", "jump", "kick", "dance", "wave")


@cache
def all_starter_clips() -> tuple[Clip, ...]:
    """The starter library: seconds to make, so made once a session."""
    return tuple(starter_clips())


def tiny_config(**changes: object) -> Config:
    """Two epochs of a model of a few thousand weights."""
    config = Config(
        "tiny",
        seed=5,
        joint_dim=8,
        device="cpu",
        select="last",
        threads=1,
        data=DataConfig(cmu="", starter_variants=1),
        augment=AugmentConfig(min_crop=0.5, speed=0.1, noise=0.05),
        motion=MotionConfig(width=8, layers=1, heads=2, feedforward=8, dropout=0.1, max_frames=40),
        optimiser=OptimiserConfig(epochs=4, batch=4, drop_epoch=2, learning_rate=1e-2),
    )
    return replace(config, **changes)


def tiny_pairs(seed: int = 0, clips: int = 12, split: str = "train") -> Pairs:
    """Clips whose features tell their word, and sentence vectors that do."""
    draw = np.random.default_rng(seed)
    samples, sentences = [], {}
    for number in range(clips):
        word = WORDS[number % len(WORDS)]
        features = draw.standard_normal((int(draw.integers(15, 60)), 263)).astype(np.float32)
        kind = number % len(WORDS)
        features[:, 40 * kind : 40 * kind + 40] += 2
        captions = tuple(f"a person does {word} {number} {way}" for way in ("slowly", "fast"))
        samples.append(
            Sample(
                f"{number:06d}",
                f"{number:06d}",
                f"{number // 2:02d}",
                split,
                features,
                captions,
                frozenset({word}),
            )
        )
        for caption in captions:
            vector = draw.standard_normal(16) * 0.2
            vector[kind] += 1
            sentences[caption] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return make_pairs(samples, sentences)


def write_cmu(folder: Path) -> Path:
    """A folder laid out as the three archives unpacked: two trials, two train clips, one val clip."""
    main, extra = folder / "cmu_mocap" / "cmu", folder / "cmu_mocap_extra" / "cmu_extra"
    texts = folder / "humanml3d_texts" / "humanml3d"
    for part in (main / "bvh", extra / "bvh", texts / "texts"):
        part.mkdir(parents=True)
    longest, next_longest = sorted(all_starter_clips(), key=lambda clip: -clip.motion.duration)[:2]
    write_bvh(longest.motion, main / "bvh" / "01_01.bvh")
    write_bvh(next_longest.motion, extra / "bvh" / "60_01.bvh")
    _table(main / "provenance.csv", "trial,kind,frames", [("01_01", "bvh", 300)])
    _table(main / "trials.csv", "trial,subject,fps,motion_description", [("01_01", 1, 30, "walk")])
    _table(extra / "mapping.csv", "trial,source_file,fps", [("60_01", "salsa.bvh", 30)])
    index = [
        ("./pose_data/CMU/01/01_01_poses.npy", 0, 40, "000001.npy"),
        ("./pose_data/CMU/60/60_01_poses.npy", 5, 45, "000002.npy"),
        ("./pose_data/CMU/60/60_01_poses.npy", 10, 50, "000003.npy"),
        ("./pose_data/KIT/3/kick_poses.npy", 0, -1, "000004.npy"),
        ("./pose_data/CMU/99/99_01_poses.npy", 0, 40, "000005.npy"),
    ]
    _table(texts / "index.csv", "source_path,start_frame,end_frame,new_name", index)
    for split, names in {"train": "000001 000002 000004 000005", "val": "000003", "test": ""}.items():
        (texts / f"{split}.txt").write_text("\n".join(names.split()), "utf-8")
    lines = {
        "000001": "a man walks left#a/DET man/NOUN walk/VERB left/ADV#0.0#0.0\n"
        "he turns#he/PRON turn/VERB#0.5#1.5\n",
        "M000001": "a man walks right#a/DET man/NOUN walk/VERB right/ADV#0.0#0.0\n",
        "000002": "dances#dance/VERB#0.0#0.0\ndances#dance/VERB#nan#nan\n",
        "M000002": "dances#dance/VERB#0.0#0.0\n",
        "000003": "a person does a salsa#a/DET person/NOUN do/VERB a/DET salsa/NOUN#0.0#0.0\n",
    }
    for name, text in lines.items():
        (texts / "texts" / f"{name}.txt").write_text(text, "utf-8")
    return folder


def write_official(folder: Path, width: int = 263) -> Path:
    """A folder in the layout of HumanML3D, or of KIT-ML where ``width`` is 251: six clips of noise."""
    draw = np.random.default_rng(width)
    (folder / "new_joint_vecs").mkdir(parents=True)
    (folder / "texts").mkdir()
    lines = {
        "000001": "a man walks left#a/DET man/NOUN walk/VERB left/ADV#0.0#0.0\n"
        "walks#walk/VERB#nan#nan\nhe spins#he/PRON spin/VERB#1.0#2.5\nhe turns#turn/VERB#2.0#4.0\n",
        "M000001": "a man walks right#a/DET man/NOUN walk/VERB right/ADV#0.0#0.0\n",
        "000002": "a person walks forward#walk/VERB#0.0#0.0\n",
        "000003": "he jumps to the left#jump/VERB#0.0#0.0\n",
        "M000003": "he jumps to the right#jump/VERB#0.0#0.0\n",
        "000004": "she waves#wave/VERB#0.0#0.0\n",
    }
    for name, text in lines.items():
        features = draw.standard_normal((90, width)).astype(np.float32)
        np.save(folder / "new_joint_vecs" / f"{name}.npy", features)
        (folder / "texts" / f"{name}.txt").write_text(text, "utf-8")
    for split, names in {"train": "000001 M000001 000002", "val": "000003 M000003", "test": "000004"}.items():
        (folder / f"{split}.txt").write_text("\n".join(names.split()) + "\n", "utf-8")
    return folder


def write_text_encoder(folder: Path, *, distil: bool = False) -> TextConfig:
    """A random checkpoint of the real architecture, three tokens wide, in transformers' own format."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast, DistilBertConfig, DistilBertModel

    folder.mkdir(parents=True)
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *["a", "person", "man", "he", "does", "slowly", "fast"],
        *WORDS,
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", "utf-8")
    torch.manual_seed(0)
    size = len(vocabulary)
    if distil:
        DistilBertModel(
            DistilBertConfig(vocab_size=size, dim=16, n_layers=1, n_heads=2, hidden_dim=32)
        ).save_pretrained(folder)
    else:
        shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        BertModel(BertConfig(vocab_size=size, **shape)).save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return TextConfig(encoder=str(folder), package="", pooling="cls" if distil else "mean", max_tokens=16)


def _table(path: Path, header: str, rows: list[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
