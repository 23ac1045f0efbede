"""Makes dequantize.safetensors: quantized blocks and the numbers the PyPI package `gguf` makes of them.

    pip install gguf numpy safetensors
    python tests/goldens/make_dequantize.py

For each block type T of GGUF there are
    T.blocks (num_blocks, bytes of a block)  uint8
    T.values (num_blocks * elements)         float32
    T.checksum ()                            int64, of 2048 more blocks
Blocks are random bytes; their half-precision scales are of either sign, zero, subnormal and the largest
among them. The bytes of the blocks under the checksum come from `mixed_bytes`, so half-precision scales are infinite or
NaN where chance has it, and every row of every codebook occurs.

Q8_K, which the package does not expand, goes by dequantize_row_q8_K of ggml's ggml-quants.c: a float times an int8.
"""
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save_file

# byte positions of the half-precision numbers in a block
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
          "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "Q8_K": [],
          "IQ1_S": [0], "IQ1_M": [], "IQ2_XXS": [0], "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0],
          "IQ4_NL": [0], "IQ4_XS": [0], "TQ1_0": [52], "TQ2_0": [64], "MXFP4": [], "NVFP4": []}
EDGES = [0x0000, 0x0001, 0x7bff, 0x03ff]
NUM_BLOCKS, NUM_MIXED_BLOCKS = 5, 2048


def mixed_bytes(count):
    """Byte i is the highest of the 64-bit number that splitmix64 makes of i."""
    z = (np.arange(1, count + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(56)).astype(np.uint8)


def checksum(values):
    """Sum of bits[i] * (i + 1) modulo 2^64; every NaN counts as 0x7fc00000."""
    bits = np.where(np.isnan(values), np.uint32(0x7fc00000), values.view(np.uint32)).astype(np.uint64)
    return (bits * np.arange(1, bits.size + 1, dtype=np.uint64)).sum(dtype=np.uint64).view(np.int64)


def expand(blocks, name):
    if name == "Q8_K":
        d = blocks[:, :4].copy().view(np.float32)
        return (d * blocks[:, 4:260].view(np.int8).astype(np.float32)).ravel()
    return gguf.dequantize(blocks, gguf.GGMLQuantizationType[name]).ravel()


def main():
    random = np.random.default_rng(20250301)
    tensors = {}
    for name, halves in HALVES.items():
        _, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
        blocks = random.integers(0, 256, (NUM_BLOCKS, size), dtype=np.uint8)
        for at in halves:
            scales = random.integers(0, 0x7c00, NUM_BLOCKS, dtype=np.uint16)
            scales[:len(EDGES)] = np.roll(EDGES, at)
            scales |= random.integers(0, 2, NUM_BLOCKS, dtype=np.uint16) << 15
            blocks[:, at:at + 2] = scales.view(np.uint8).reshape(NUM_BLOCKS, 2)
        if name == "Q8_K":
            blocks[:, :4] = np.array([0, -1.5, 1e-40, 3e36, -7e-5], np.float32).view(np.uint8).reshape(-1, 4)
        if name == "MXFP4":
            blocks[:4, 0] = [0, 1, 2, 255]
        if name == "NVFP4":
            blocks[0, :4] = [0x00, 0x7f, 0xff, 0x07]
        with np.errstate(all="ignore"):
            values, mixed = expand(blocks, name), expand(mixed_bytes(NUM_MIXED_BLOCKS * size).reshape(-1, size), name)
        tensors[f"{name}.blocks"], tensors[f"{name}.values"] = blocks, values
        tensors[f"{name}.checksum"] = np.array(checksum(mixed))
    save_file(tensors, Path(__file__).with_name("dequantize.safetensors"), metadata={"numpy": np.__version__})


if __name__ == "__main__":
    main()
