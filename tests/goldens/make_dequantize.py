"""Makes dequantize.safetensors: quantized blocks and the numbers the PyPI package `gguf` makes of them.

    pip install gguf numpy safetensors
    python tests/goldens/make_dequantize.py

For each type T of GGUF there are
    T.blocks (num_blocks, bytes of a block)  uint8
    T.values (num_blocks * elements)         float32
Blocks are random bytes; their half-precision scales are finite and of either sign, normal and subnormal, zero and the
largest among them.
"""
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save_file

# byte positions of the half-precision numbers in a block
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
NUM_BLOCKS = 16


def main():
    random = np.random.default_rng(20250301)
    tensors = {}
    for name, halves in HALVES.items():
        quantization = gguf.GGMLQuantizationType[name]
        _, size = gguf.GGML_QUANT_SIZES[quantization]
        blocks = random.integers(0, 256, (NUM_BLOCKS, size), dtype=np.uint8)
        for at in halves:
            scales = random.integers(0, 0x7c00, NUM_BLOCKS, dtype=np.uint16)
            scales[:4] = [0, 1, 0x03ff, 0x7bff]
            scales |= random.integers(0, 2, NUM_BLOCKS, dtype=np.uint16) << 15
            blocks[:, at:at + 2] = scales.view(np.uint8).reshape(NUM_BLOCKS, 2)
        values = gguf.dequantize(blocks, quantization).ravel()
        assert np.isfinite(values).all()
        tensors[f"{name}.blocks"], tensors[f"{name}.values"] = blocks, values
    save_file(tensors, Path(__file__).with_name("dequantize.safetensors"), metadata={"numpy": np.__version__})


if __name__ == "__main__":
    main()
