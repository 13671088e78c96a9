"""The networks of families.py: torchvision's classifiers, the forms for small images that torchvision lacks, and networks
that give maps."""

import collections
import functools
import itertools

import torch
from torch import nn
from torchvision import models
from torchvision.models.googlenet import Inception
from torchvision.models.inception import InceptionA, InceptionB, InceptionC, InceptionD, InceptionE
from torchvision.models.regnet import BlockParams, RegNet
from torchvision.models.resnet import BasicBlock
from torchvision.models.squeezenet import Fire
from torchvision.ops import Conv2dNormActivation

CLASSES = 10

# `build` makes one, for images of `size` x `size`; `training` is None where only the last layer is to be fitted; `map` is
# whether it gives an image rather than the scores of classes.
Network = collections.namedtuple("Network", "build size training map", defaults=(32, None, False))
Training = collections.namedtuple("Training", "epochs rate", defaults=(30, 0.1))


# ---- From torchvision


def keep_resolution(model, layers):
    """Takes the stride from the first layers that have one, which leave nothing of small images."""
    strided = (
        layer
        for layer in model.modules()
        if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)) and layer.stride not in (1, (1, 1))
    )
    for layer in itertools.islice(strided, layers):
        layer.stride = (1, 1)
    return model


def zoo(name, unstrided=0, **options):
    """A network of torchvision, without weights."""
    return keep_resolution(models.get_model(name, weights=None, num_classes=CLASSES, **options), unstrided)


def mobilenet():
    """MobileNet v2 of a quarter of the width. Its ReLU6 do cut: normalisations before them begin with weight 3."""
    model = zoo("mobilenet_v2", 1, width_mult=0.25)
    for layer in model.modules():
        if isinstance(layer, Conv2dNormActivation):
            layer[1].weight.data.fill_(3)
    return model


def mnasnet(alpha, unstrided=0):
    network = models.MNASNet(alpha, num_classes=CLASSES)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1  # With torchvision's 0.0003 statistics need more steps than we train.
    return keep_resolution(network, unstrided)


def regnet_x(**parameters):
    """A RegNetX of other sizes than torchvision's."""
    return keep_resolution(RegNet(BlockParams.from_init_params(**parameters), num_classes=CLASSES), 1)


def vgg11():
    """Its convolutions; the classifier of VGGs for small images."""
    return nn.Sequential(zoo("vgg11").features, nn.Flatten(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, CLASSES))


# ---- Networks for small images


def convolution(inputs, outputs, kernel=3, stride=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


def normalised(inputs, outputs, kernel=3, stride=1):
    """A convolution, and what usually follows it."""
    return [convolution(inputs, outputs, kernel, stride), nn.BatchNorm2d(outputs), nn.ReLU()]


def classifier(channels):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)]


def stages(block, blocks, inputs, width):
    """Three stages of residual blocks; the second and the third halve height and width and double the channels."""
    for stage in range(3):
        for index in range(blocks):
            outputs, stride = width << stage, 2 if stage and not index else 1
            yield block(inputs, outputs, stride)
            inputs = outputs


def basic_block(inputs, outputs, stride):
    """A block of ResNet-20, with a convolution beside it where shapes change."""
    if inputs == outputs:
        return BasicBlock(inputs, outputs)
    beside = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
    return BasicBlock(inputs, outputs, stride, beside)


class Shortcut(nn.Module):
    """Option A: every second pixel, and channels of zeros around; without parameters."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, values):
        return nn.functional.pad(values[:, :, ::2, ::2], (0, 0, 0, 0, self.channels // 2, self.channels // 2))


def option_a(inputs, outputs, stride):
    """A block of ResNet-20 as its authors had it."""
    return BasicBlock(inputs, outputs, stride, None if inputs == outputs else Shortcut(inputs))


def resnet20a(width=16):
    return nn.Sequential(*normalised(3, width), *stages(option_a, 3, width, width), *classifier(4 * width))


def resnet20(width=16):
    return nn.Sequential(*normalised(3, width), *stages(basic_block, 3, width, width), *classifier(4 * width))


class PreActivation(nn.Module):
    """A block of wide residual networks: normalisation and ReLU come before each convolution."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())
        self.rest = nn.Sequential(
            convolution(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(), convolution(outputs, outputs)
        )
        self.beside = None if inputs == outputs else convolution(inputs, outputs, 1, stride)

    def forward(self, values):
        activated = self.first(values)
        return self.rest(activated) + (self.beside(activated) if self.beside else values)


def wrn16(widen, base=16):
    width = widen * base
    return nn.Sequential(
        convolution(3, base),
        *stages(PreActivation, 2, base, width),
        nn.BatchNorm2d(4 * width),
        nn.ReLU(),
        *classifier(4 * width),
    )


class DenseLayer(nn.Module):
    """Adds channels to those that it reads."""

    def __init__(self, inputs, growth):
        super().__init__()
        self.layers = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), convolution(inputs, growth))

    def forward(self, values):
        return torch.cat([values, self.layers(values)], 1)


def densenet(layers, growth=12, stride=1):
    """Three blocks of so many layers; without bottlenecks and compression, as for small images."""
    channels = 2 * growth
    parts = [convolution(3, channels, 3, stride)]
    for block in range(3):
        if block:
            parts += [nn.BatchNorm2d(channels), nn.ReLU(), convolution(channels, channels, 1), nn.AvgPool2d(2)]
        parts += [DenseLayer(channels + growth * index, growth) for index in range(layers)]
        channels += growth * layers
    return nn.Sequential(*parts, nn.BatchNorm2d(channels), nn.ReLU(), *classifier(channels))


def squeezenet():
    """Fire modules, narrower than SqueezeNet's, and its classifier."""
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU(),
        Fire(32, 16, 32, 32), Fire(64, 16, 32, 32), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(64, 24, 48, 48), Fire(96, 24, 64, 64),
        nn.Conv2d(128, CLASSES, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            # Without BatchNormalization, PyTorch's weights let signals fade away.
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return model


def googlenet():
    """Modules of GoogLeNet, narrower than there."""
    return nn.Sequential(
        *normalised(3, 24, 3, 2),
        Inception(24, 16, 16, 32, 8, 16, 8), Inception(72, 24, 16, 32, 8, 16, 16),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        Inception(88, 32, 24, 48, 8, 24, 16), Inception(120, 32, 24, 48, 8, 24, 24),
        *classifier(128),
    )  # fmt: skip


def inception():
    """One block of each kind that Inception v3 has."""
    return nn.Sequential(
        *normalised(3, 32, 3, 2),
        InceptionA(32, 32), InceptionB(256), InceptionC(736, 64), InceptionD(768), InceptionE(1280),
        *classifier(2048),
    )  # fmt: skip


def lenet(activation):
    """With normalisations, or the values of random weights fade away and every activation is a straight line."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.BatchNorm2d(6), activation(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), activation(), nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120), nn.BatchNorm1d(120), activation(),
        nn.Linear(120, 84), nn.BatchNorm1d(84), activation(),
        nn.Linear(84, CLASSES),
    )  # fmt: skip


class Square(nn.Module):
    def forward(self, values):
        return values * values


def cryptonets():
    """A convolution, a mean, two dense layers, and squares between them; normalised, so that values stay where they are."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, 2, 2), nn.BatchNorm2d(16), Square(), nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(1024, 100), nn.BatchNorm1d(100), Square(),
        nn.Linear(100, CLASSES),
    )  # fmt: skip


def sequence():
    """The pixels one after the other, and convolutions along them."""
    return nn.Sequential(
        nn.Flatten(2),
        nn.Conv1d(3, 24, 9, 4, 4), nn.BatchNorm1d(24), nn.ReLU(),
        nn.Conv1d(24, 48, 9, 4, 4), nn.BatchNorm1d(48), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(48, 64, 5, 2, 2), nn.BatchNorm1d(64), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, CLASSES),
    )  # fmt: skip


# ---- Networks that give maps


class UNet(nn.Module):
    """Two levels; `enlarge` makes a layer that doubles height and width and halves the channels."""

    def __init__(self, enlarge, width=16, outputs=4):
        super().__init__()
        block = lambda inputs, outputs: nn.Sequential(*normalised(inputs, outputs), *normalised(outputs, outputs))
        self.down = nn.ModuleList([block(3, width), block(width, 2 * width), block(2 * width, 4 * width)])
        self.enlarge = nn.ModuleList([enlarge(4 * width), enlarge(2 * width)])
        self.up = nn.ModuleList([block(4 * width, 2 * width), block(2 * width, width)])
        self.last = nn.Conv2d(width, outputs, 1)

    def forward(self, values):
        beside = []
        for block in self.down[:-1]:
            beside.append(block(values))
            values = nn.functional.max_pool2d(beside[-1], 2)
        values = self.down[-1](values)
        for enlarge, block in zip(self.enlarge, self.up):
            values = block(torch.cat([enlarge(values), beside.pop()], 1))
        return self.last(values)


def transposed(channels):
    return nn.ConvTranspose2d(channels, channels // 2, 2, 2)


def interpolated(mode, channels):
    return nn.Sequential(nn.Upsample(scale_factor=2, mode=mode), convolution(channels, channels // 2, 1))


def espcn():
    """Super-resolution: convolutions, and channels that become pixels."""
    return nn.Sequential(
        *normalised(3, 32, 5), *normalised(32, 16), nn.Conv2d(16, 12, 3, padding=1), nn.PixelShuffle(2)
    )


def autoencoder():
    """The image from 64 numbers."""
    return nn.Sequential(
        *normalised(3, 16, 3, 2), *normalised(16, 32, 3, 2), nn.Flatten(), nn.Linear(2048, 64), nn.ReLU(),
        nn.Linear(64, 2048), nn.ReLU(), nn.Unflatten(1, (32, 8, 8)),
        transposed(32), nn.BatchNorm2d(16), nn.ReLU(), nn.ConvTranspose2d(16, 3, 2, 2),
    )  # fmt: skip


# ---- All of them

ACTIVATIONS = (
    nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ReLU6, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.SiLU, nn.GELU,
    nn.ELU, nn.SELU, nn.CELU, nn.Softplus, nn.Mish, nn.Sigmoid, nn.Tanh,
)  # fmt: skip

SMALL_REGNET = functools.partial(regnet_x, depth=8, w_0=16, w_a=16.0, w_m=2.0, group_width=8)

# With the change of channels that weights from TensorFlow need, and without the heads that only help to train.
UNAIDED = {"aux_logits": False, "init_weights": False, "transform_input": True}

FITTED = {
    "resnet18": Network(functools.partial(zoo, "resnet18", 1)),
    "resnet20": Network(resnet20),
    "resnet50": Network(functools.partial(zoo, "resnet50", 1)),
    "wrn16-1": Network(functools.partial(wrn16, 1)),
    "wrn16-2": Network(functools.partial(wrn16, 2)),
    "vgg11": Network(vgg11),
    "squeezenet1_1": Network(functools.partial(zoo, "squeezenet1_1"), 64),
    "densenet40": Network(functools.partial(densenet, 12)),
    "densenet121": Network(functools.partial(zoo, "densenet121"), 64),
    "googlenet": Network(functools.partial(zoo, "googlenet", **UNAIDED), 64),
    "inception_v3": Network(functools.partial(zoo, "inception_v3", **UNAIDED), 96),
    "inception": Network(inception),
    "mobilenet_v2-0.25": Network(functools.partial(zoo, "mobilenet_v2", 1, width_mult=0.25)),
    "mnasnet0.35": Network(functools.partial(mnasnet, 0.35), 64),
    "mnasnet0.5": Network(functools.partial(mnasnet, 0.5), 64),
    "regnet_x_400mf": Network(functools.partial(zoo, "regnet_x_400mf", 1)),
    "regnet_y_400mf": Network(functools.partial(zoo, "regnet_y_400mf", 1)),
    "mobilenet_v3_small": Network(functools.partial(zoo, "mobilenet_v3_small"), 64),
    "efficientnet_b0": Network(functools.partial(zoo, "efficientnet_b0"), 64),
    "shufflenet_v2_x0_5": Network(functools.partial(zoo, "shufflenet_v2_x0_5"), 64),
    "resnet20-a": Network(resnet20a),
    "cryptonets": Network(cryptonets),
    "sequence": Network(sequence),
} | {f"lenet-{kind.__name__.lower()}": Network(functools.partial(lenet, kind)) for kind in ACTIVATIONS}

MAPS = {
    "unet-transposed": Network(functools.partial(UNet, transposed), map=True),
    "unet-nearest": Network(functools.partial(UNet, functools.partial(interpolated, "nearest")), map=True),
    "unet-bilinear": Network(functools.partial(UNet, functools.partial(interpolated, "bilinear")), map=True),
    "espcn": Network(espcn, map=True),
    "autoencoder": Network(autoencoder, map=True),
}

TRAINED = {
    "trained-resnet20": Network(functools.partial(resnet20, 8), 32, Training()),
    "trained-mobilenet_v2": Network(mobilenet, 32, Training()),
    "trained-densenet": Network(functools.partial(densenet, 4, stride=2), 32, Training()),
    "trained-squeezenet": Network(squeezenet, 32, Training(rate=0.01)),
    "trained-googlenet": Network(googlenet, 32, Training()),
    "trained-regnet_x": Network(SMALL_REGNET, 32, Training()),
    "trained-wrn16": Network(functools.partial(wrn16, 1, base=8), 32, Training()),
    "trained-mnasnet": Network(functools.partial(mnasnet, 0.35, 1), 32, Training(rate=0.02)),
}

NETWORKS = FITTED | MAPS | TRAINED

# Networks in integers, by onnxruntime's quantiser, and what they are made from.
QUANTISED = {
    "quantised-resnet20": "trained-resnet20",
    "quantised-mobilenet_v2": "trained-mobilenet_v2",
}
