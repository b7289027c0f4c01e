"""Bad calls of pictures, checkpoints and recipes: each is refused by toycore itself, at once, in a sentence."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.support.bad_calls import refused_in_words
from toycore import checkpoints, precondition
from toycore.images import download, judge, loop, pages, plan, ready, recipes, runs, sets
from toycore.images.nets import autoencoder, clip, dit, text, unet
from toycore.images.plan import Plan
from toycore.images.sets import cifar10, folder, fonts, mnist, shapes, strokes
from toycore.programs import recipes as registry

CAPTIONS = ("a red star", "a blue star")
IMAGES = sets.Pictures(torch.zeros(6, 1, 8, 8, dtype=torch.uint8), torch.arange(6) % 2, ("a", "b"))
NAMES = {
    **{module.__name__.split(".")[-1]: module for module in (sets, cifar10, folder, fonts, mnist, shapes, strokes)},
    **{module.__name__.split(".")[-1]: module for module in (judge, loop, pages, plan, ready, recipes, runs, download)},
    **{module.__name__.split(".")[-1]: module for module in (autoencoder, clip, dit, text, unet, checkpoints)},
    "registry": registry,
    "precondition": precondition,
    "Path": Path,
    "Plan": Plan,
    "IMAGES": IMAGES,
    "U": unet.UNet(1, 8, classes=2),
    "RGB": unet.UNet(3, 8, captions=CAPTIONS),
    "T": dit.DiT(1, 8, 2, 16, 1, classes=2),
    "A": autoencoder.Autoencoder(1, 8, (4,), 8),
    "MAP": autoencoder.Autoencoder(1, 8, (4, 2, 2), 8),
    "J": judge.Judge(1, 8, (2,)),
    "C": clip.Clip(CAPTIONS, 1, 8),
    "PIC": torch.zeros(6, 1, 8, 8),
    "LEVEL": torch.ones(1),
}
NAMES["D"] = precondition.from_velocity(NAMES["U"])

BATCHES = {  # what is no batch of grey pictures 8x8: a part of the message
    "IMAGES.images": "use sets.to_unit",
    "IMAGES": "Pictures",
    "PIC.tolist()": "torch.as_tensor",
    "None": "is None",
    "PIC[0]": "(1, 8, 8)",
    "PIC[:0]": "(0, 1, 8, 8)",
    "PIC.flatten(1)": "(6, 64)",
    "PIC.expand(-1, 3, -1, -1)": "takes pictures [b, 1,",
    "PIC[..., 1:]": "(6, 1, 8, 7)",
    "PIC.double()": "use x.to(torch.float32)",
    "PIC.half()": "torch.float16",
    "PIC * math.nan": "NaN or infinity in 6 of 6",
}
TAKES_BATCH = ["U({}, LEVEL)", "T({}, LEVEL)", "A({})", "MAP.encode({})", "J({})", "J.answers({})", "C.image({})"]

COUNT = {"0": "is 0", "-1": "is -1", "2.5": "is 2.5", "None": "is None", "'8'": "is '8'"}
TAKES_COUNT = [
    "unet.UNet({})", "unet.UNet(width={})", "unet.UNet(unshuffle={})", "unet.UNet(rungs=(1, {}))", "dit.DiT({})",
    "dit.DiT(side={})", "dit.DiT(patch={})", "dit.DiT(width={})", "dit.DiT(depth={})", "dit.DiT(heads={})",
    "autoencoder.Autoencoder({})", "autoencoder.Autoencoder(side={})", "autoencoder.Autoencoder(width={})",
    "autoencoder.Autoencoder(latent=({},))", "judge.Judge({})", "judge.Judge(side={})", "judge.Judge(kinds=({},))",
    "judge.Judge(width={})", "clip.Clip(('a',), {})", "clip.Clip(('a',), side={})", "clip.Clip(('a',), dim={})",
    "strokes.load({})", "fonts.load({})", "shapes.load({})", "sets.load('strokes', n={})", "pages.tile(PIC, {})",
    "autoencoder.train(A, IMAGES, {})", "autoencoder.train(A, IMAGES, batch={})",
    "judge.train(J, IMAGES, IMAGES.labels[:, None], {})", "judge.train(J, IMAGES, IMAGES.labels[:, None], batch={})",
    "clip.train(C, IMAGES, {})", "clip.train(C, IMAGES, batch={})", "loop.train(D, PIC, IMAGES.labels, Plan({}))",
    "plan.checked(Plan(batch={}))", "folder.load('.', {})",
]

PICTURES = {
    "None": "None; it must be Pictures",
    "PIC": "a Tensor; it must be Pictures",
    "IMAGES._replace(images=PIC)": "torch.float32",
    "IMAGES._replace(labels=IMAGES.labels[:3])": "labels (3,)",
    "IMAGES._replace(images=IMAGES.images[:0], labels=IMAGES.labels[:0])": "(0, 1, 8, 8)",
}
TAKES_PICTURES = [
    "sets.take({}, torch.arange(2))",
    "sets.points({})",
    "sets.split({}, 2)",
    "shapes.with_short_prompts({})",
    "autoencoder.train(A, {})",
    "judge.train(J, {}, IMAGES.labels[:, None])",
    "clip.train(C, {})",
    "ready.by_class({})",
]

SINGLE = [
    # sets
    ("sets.load('mnits')", "did you mean 'mnist'"),
    ("sets.load('')", "no set or folder of pictures named ''"),
    ("sets.load('no/such/folder')", "no set or folder of pictures named 'no/such/folder'"),
    ("sets.load(None)", "name is None; give a set's name (cifar10, digits"),
    ("sets.load(3)", "name is 3"),
    ("sets.load(['digits'])", "name is ['digits']"),
    ("sets.load('digits', n=9)", "digits takes no n=9; it takes no options"),
    ("sets.load('strokes', size=9)", "strokes takes no size=9; it takes n, seed"),
    ("sets.load('shapes', n=9, seed=-1)", "seed is -1"),
    ("sets.load('strokes', seed=None)", "seed is None"),
    ("sets.load('fonts', seed='a')", "seed is 'a'"),
    ("sets.load('mnist', part='tset')", "did you mean 'test'"),
    ("sets.load('cifar10', part='all')", "no part of CIFAR-10 named 'all'"),
    ("folder.load(None)", "path is None"),
    ("folder.load('nowhere')", "there is no folder nowhere"),
    ("ready.load(None)", "name is None"),
    ("ready.load('mnits')", "did you mean 'mnist'"),
    ("sets.split(IMAGES, 0)", "0 of 6 pictures cannot be held out"),
    ("sets.split(IMAGES, 6)", "ask for 1..5"),
    ("sets.split(IMAGES, 2.5)", "2.5 of 6"),
    ("sets.split(IMAGES, 2, seed=None)", "seed is None"),
    ("sets.take(IMAGES, torch.tensor([6]))", "rows run to 6; there are 6"),
    ("sets.take(IMAGES, [0, 1])", "rows are [0, 1]"),
    ("sets.to_unit(PIC)", "torch.float32; to_unit takes a tensor of bytes"),
    ("sets.to_unit(None)", "images are None"),
    ("sets.to_bytes(IMAGES.images)", "torch.uint8; to_bytes takes floats"),
    ("sets.to_bytes(PIC * math.nan)", "NaN or infinity"),
    ("shapes.with_short_prompts(sets.load('digits'))", "short prompts fit shapes only"),
    ("shapes.with_short_prompts(shapes.load(5), 2.0)", "share is 2.0"),
    ("shapes.parts(400)", "labels are 400; they must be a tensor"),
    ("shapes.parts(torch.tensor([400]))", "labels run from 400 to 400; captions have 0..399"),
    ("shapes.parts(torch.tensor([-1]))", "labels run from -1"),
    ("mnist.idx(b'hello')", "no IDX file"),
    ("cifar10.records(b'hello')", "5 bytes is not made of pictures"),
    # networks
    ("U(PIC, torch.ones(4))", "4 values for 6 rows"),
    ("U(PIC, torch.tensor([math.nan]))", "a noise level is a finite number"),
    ("T(PIC, torch.tensor([-1.0]))", "a noise level is a finite number"),
    ("U(PIC, LEVEL, 2)", "has the classes 0..1"),
    ("U(PIC, LEVEL, 'a')", "label is 'a'"),
    ("T(PIC, LEVEL, torch.zeros(4).long())", "integers [6]"),
    ("T(PIC, LEVEL, 0.5)", "integers [6]"),
    ("RGB(PIC.expand(-1, 3, -1, -1), LEVEL, 2)", "0..1"),
    ("D(PIC, 1.0, 2)", "0..1"),
    ("U(PIC[..., :7, :7], LEVEL)", "multiples of 2"),
    ("unet.UNet(width=20)", "width is 20; it must be a multiple of 8"),
    ("unet.UNet(classes=-1)", "classes is -1"),
    ("unet.UNet(classes=2, captions=('a',))", "one or the other"),
    ("unet.UNet(captions='a red star')", "must be a tuple of texts"),
    ("unet.UNet(captions=(1, 2))", "must be a tuple of texts"),
    ("unet.UNet(rungs=())", "rungs are ()"),
    ("unet.UNet(rng=0)", "toycore.seeded(0)"),
    ("dit.DiT(rng=0)", "toycore.seeded(0)"),
    ("dit.DiT(side=8, patch=3)", "side is 8; it must be a multiple of 3"),
    ("dit.DiT(width=128, heads=3)", "width is 128; it must be a multiple of 3"),
    ("dit.DiT(width=6, heads=2)", "multiple of 4"),
    ("dit.DiT(classes=-1)", "classes is -1"),
    ("dit.attention_map(T, PIC, LEVEL, block=5)", "block is 5; this transformer has 1"),
    ("autoencoder.Autoencoder(1, 28, (8, 5, 5))", "or (c, 7, 7), a map"),
    ("autoencoder.Autoencoder(1, 30)", "side is 30; it must be a multiple of 4"),
    ("autoencoder.Autoencoder(latent=16)", "latent is 16; it must be (n,)"),
    ("autoencoder.Autoencoder(latent=())", "latent is ()"),
    ("autoencoder.Autoencoder(width=12)", "multiple of 8"),
    ("A.decode(torch.zeros(2, 5))", "decodes float latents [b, 4]"),
    ("A.decode(None)", "z is None"),
    ("MAP.decode(torch.zeros(2, 4))", "[b, 4, 2, 2]"),
    ("A(PIC, 1)", "has the classes"),
    ("autoencoder.train(A, IMAGES, beta=-1)", "beta is -1"),
    ("autoencoder.train(A, IMAGES, edges=math.nan)", "edges is nan"),
    ("autoencoder.train(A, IMAGES, rng=0)", "toycore.seeded(0)"),
    ("judge.Judge(kinds=10)", "kinds are 10; they must be a tuple"),
    ("judge.Judge(kinds=())", "kinds are ()"),
    ("judge.score(J, PIC, IMAGES.labels, PIC)", "use labels[:, None]"),
    ("judge.score(J, PIC, None, PIC)", "answers are None"),
    ("judge.score(J, PIC, IMAGES.labels[:, None] + 1, PIC)", "answers run from 1 to 2"),
    ("judge.score(J, IMAGES.images, IMAGES.labels[:, None], PIC)", "use x.float()"),
    ("judge.train(J, IMAGES, IMAGES.labels)", "use labels[:, None]"),
    ("judge.train(J, IMAGES, IMAGES.labels[:5, None])", "for 6 pictures"),
    ("judge.sharpness(PIC[..., :2])", "3 x 3 pixels or more"),
    ("clip.Clip(())", "captions is 0"),
    ("clip.Clip(CAPTIONS, side=12)", "multiple of 8"),
    ("clip.Clip('a red star')", "must be a tuple of texts"),
    ("C.text(0)", "label is 0; it must be a tensor"),
    ("C.text(torch.tensor([2]))", "0..1"),
    # plans and runs
    ("plan.checked(None)", "plan is None; it must be a Plan"),
    ("plan.checked(Plan(lr=-1))", "lr is -1"),
    ("plan.checked(Plan(lr=math.nan))", "lr is nan"),
    ("plan.checked(Plan(label_dropout=2))", "label_dropout is 2"),
    ("plan.checked(Plan(average=-0.1))", "average is -0.1"),
    ("plan.checked(Plan(precision='bf16'))", "no precision named 'bf16'"),
    ("plan.checked(Plan(seed=None))", "seed is None"),
    ("loop.train(D, PIC, IMAGES.labels[:3], Plan())", "a label per picture"),
    ("loop.train(D, PIC, None, Plan())", "a label per picture"),
    ("loop.train(D, None, IMAGES.labels, Plan())", "a label per picture"),
    ("loop.train(D, PIC, IMAGES.labels.float(), Plan())", "must be integers [6]"),
    ("loop.train(D, PIC, IMAGES.labels, None)", "plan is None"),
    ("runs.resume(runs.begin(D, Plan()), Plan(), Path('no.safetensors'))", "there is no file no.safetensors"),
    ("recipes.find('digit')", "did you mean 'digits"),
    ("recipes.find(None)", "no recipe named None"),
    ("recipes.make('spiral')", "no picture model named 'spiral'"),
    ("registry.make('spirl')", "did you mean 'spiral"),
    ("pages.tile(PIC[0], 2)", "(1, 8, 8)"),
    ("pages.tile(None, 2)", "images are None"),
    ("pages.loss_plot([])", "no loss to draw"),
    # checkpoints
    ("checkpoints.load(None)", "name is None; give the name"),
    ("checkpoints.load('')", "no checkpoint named ''"),
    ("checkpoints.load('spirl')", "did you mean 'spiral"),
    ("checkpoints.load('no.safetensors')", "there is no file no.safetensors"),
    ("checkpoints.card_of('spirl')", "did you mean 'spiral"),
    ("checkpoints.save(D, None)", "must end in .safetensors"),
    ("checkpoints.save(D, 'model')", "try model.safetensors"),
    ("checkpoints.save(D, 'model.safetensors', 'a title')", "the card is a str"),
    ("checkpoints.save(D, 'model.safetensors', {'D': D})", "the card cannot be written"),
    ("checkpoints.save(None, 'model.safetensors')", "cannot save None; save a network"),
    ("checkpoints.save(torch.nn.Linear(2, 2), 'model.safetensors')", "cannot save a Linear"),
]
NAMES["CAPTIONS"] = CAPTIONS


def products() -> Iterator[tuple[str, str]]:
    for places, wrong in ((TAKES_BATCH, BATCHES), (TAKES_COUNT, COUNT), (TAKES_PICTURES, PICTURES)):
        yield from ((place.format(value), part) for place in places for value, part in wrong.items())


@pytest.mark.parametrize(("call", "part"), [*products(), *SINGLE], ids=lambda value: str(value)[:100])
def test_a_bad_call_on_pictures_is_refused(
    call: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused_in_words(call, part, names=NAMES)
    assert not list(tmp_path.iterdir())
