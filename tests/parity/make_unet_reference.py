"""Writes a PlainConvUNet with random weights, an input and its output for the parity test of the C++ network.

usage: make_unet_reference.py OUT.pt FEATURES STAGES D H W
Exits with 77 where PyTorch or dynamic-network-architectures is not installed.
"""
import sys

try:
    import torch
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
except ImportError as error:
    print(error)
    sys.exit(77)


def plain_conv_unet(features, stages):
    return PlainConvUNet(
        input_channels=6, n_stages=stages, features_per_stage=[min(320, features * 2**s) for s in range(stages)],
        conv_op=torch.nn.Conv3d, kernel_sizes=3, strides=[1] + [2] * (stages - 1), n_conv_per_stage=2,
        num_classes=37, n_conv_per_stage_decoder=2, conv_bias=True, norm_op=torch.nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"inplace": True}, deep_supervision=False).eval()


def main():
    features, stages, *shape = map(int, sys.argv[2:])
    torch.manual_seed(20)
    network = plain_conv_unet(features, stages)
    for name, parameter in network.named_parameters():
        # PyTorch starts the norms at one and zero, which would hide a mix-up.
        if ".norm." in name:
            torch.nn.init.normal_(parameter, mean=1.0 if name.endswith("weight") else 0.0, std=0.3)
    image = torch.randn(1, 6, *shape)
    with torch.no_grad():
        output = network(image)
    torch.save({"weights": dict(network.state_dict()), "input": image, "output": output}, sys.argv[1])


if __name__ == "__main__":
    main()
