"""The tables of numbers and names that formats have, beside what their own tools say and their papers define."""

import gguf
import ml_dtypes
import numpy as np
import onnx
import pytest
from scipy.stats import norm

from compress_compare.readers import arrays, dtypes, gguf_blocks, litert, onnx_nodes, openvino
from compress_compare.readers import gguf as gguf_reader
from compress_compare.readers import onnx as onnx_reader

# bits of a code, and the numbers that share a scale, as the structs of ggml-common.h have them
OF_GROUPS = {
    "Q4_0": (4, 32), "Q4_1": (4, 32), "Q5_0": (5, 32), "Q5_1": (5, 32), "Q8_0": (8, 32), "Q8_1": (8, 32),
    "Q2_K": (2, 16), "Q3_K": (3, 16), "Q4_K": (4, 32), "Q5_K": (5, 32), "Q6_K": (6, 16), "Q8_K": (8, 256),
    "IQ2_XXS": (2, 32), "IQ2_XS": (2, 16), "IQ2_S": (2, 16), "IQ3_XXS": (3, 32), "IQ3_S": (3, 32), "IQ1_S": (1, 32),
    "IQ1_M": (1, 16), "IQ4_NL": (4, 32), "IQ4_XS": (4, 32), "TQ1_0": (2, 256), "TQ2_0": (2, 256), "MXFP4": (4, 32),
    "NVFP4": (4, 16), "Q1_0": (1, 128),
}  # fmt: skip


def test_blocks_of_gguf_are_as_large_as_those_of_the_package():
    ours = {block.name: (number, block.size, block.num_bytes) for number, block in gguf_blocks.BLOCKS.items()}
    theirs = {kind.name: (kind.value, *gguf.GGML_QUANT_SIZES[kind]) for kind in gguf.GGMLQuantizationType}
    assert ours == {name: size for name, size in theirs.items() if name not in gguf_blocks.PLAIN.values()}
    assert {block.name: (block.bits, block.group_size) for block in gguf_blocks.BLOCKS.values()} == OF_GROUPS


def test_numbers_of_gguf_without_blocks_have_the_types_of_the_package():
    for number, name in gguf_blocks.PLAIN.items():
        kind = gguf.GGMLQuantizationType(number)
        assert kind.name == name and gguf.GGML_QUANT_SIZES[kind] == (1, dtypes.DTYPES[name].bits // 8)
    assert len(gguf_blocks.PLAIN) == sum(size == 1 for size, _ in gguf.GGML_QUANT_SIZES.values())


def test_kinds_of_values_in_gguf_are_those_of_the_package():
    names = {
        "UINT8": "B", "INT8": "b", "UINT16": "H", "INT16": "h", "UINT32": "I", "INT32": "i", "FLOAT32": "f",
        "BOOL": "?", "UINT64": "Q", "INT64": "q", "FLOAT64": "d",
    }  # fmt: skip
    kinds = {kind.name: kind.value for kind in gguf.GGUFValueType}
    assert {kinds[name]: code for name, code in names.items()} == gguf_reader._SCALARS
    assert (kinds["STRING"], kinds["ARRAY"]) == (gguf_reader._STRING, gguf_reader._ARRAY)
    assert {kinds["STRING"]: 8, kinds["ARRAY"]: 4 + 8} == gguf_reader._SMALLEST  # a length; a kind and a length


def test_types_of_litert_are_those_of_its_schema():
    schema = {
        "FLOAT32": 0, "FLOAT16": 1, "INT32": 2, "UINT8": 3, "INT64": 4, "BOOL": 6, "INT16": 7, "COMPLEX64": 8,
        "INT8": 9, "FLOAT64": 10, "UINT64": 12, "UINT32": 15, "UINT16": 16, "BFLOAT16": 18, "FLOAT8_E4M3FN": 21,
        "FLOAT8_E5M2": 22,
    }  # fmt: skip
    called = {number: dtypes.DTYPES[name].name.upper() for number, name in litert._TYPES.items()}
    assert called == {number: name for name, number in schema.items()}
    assert litert._PARTS == {17: "int4", 19: "int2", 20: "uint4"}


@pytest.mark.parametrize("kind", sorted(onnx_nodes.PLACES))
def test_inputs_of_onnx_operators_are_where_their_schemas_have_them(kind):
    listed = [name.lower() for name in _inputs(kind)]
    codes, scale, zero, axis = onnx_nodes.PLACES[kind]
    called = {"ConvInteger": "w", "QLinearConv": "w", "QAttention": "weight"}.get(kind, "b")
    assert codes == listed.index(called)
    assert scale == (None if "Integer" in kind and "Float" not in kind else listed.index(f"{called}_scale"))
    assert zero == listed.index(f"{called}_zero_point")
    assert axis == (0 if "Conv" in kind else -1)  # outputs come first in a convolution, last in a product


def _inputs(kind):
    if onnx.defs.has(kind):
        return [one.name for one in onnx.defs.get_schema(kind).inputs]
    pytest.importorskip("onnxruntime")
    from onnxruntime.capi import _pybind_state

    (found,) = [one for one in _pybind_state.get_all_operator_schema() if one.name == kind]
    return [one.name for one in found.inputs]


def test_a_bias_of_onnx_has_the_scales_of_both_factors():
    for kind, (bias, input_scale, scale) in onnx_nodes.BIASES.items():
        listed = _inputs(kind)
        second = {"QGemm": "B", "QLinearConv": "w"}[kind]
        assert bias == listed.index("C" if kind == "QGemm" else "B")
        assert input_scale == listed.index("a_scale" if kind == "QGemm" else "x_scale")
        assert scale == listed.index(f"{second}_scale".replace("B_", "b_"))


def test_codes_of_onnx_reach_the_ends_of_their_types():
    names = {"U8": np.uint8, "I8": np.int8, "U16": np.uint16, "I16": np.int16}
    ends = {name: (np.iinfo(kind).min, np.iinfo(kind).max) for name, kind in names.items()}
    few = {"uint4": (0, 15), "int4": (-8, 7), "uint2": (0, 3), "int2": (-2, 1)}
    assert {**ends, **few} == onnx_nodes.RANGES
    types = {"U8": "UINT8", "I8": "INT8", "U16": "UINT16", "I16": "INT16"} | {name: name.upper() for name in few}
    assert {getattr(onnx.TensorProto, kind): name for name, kind in types.items()} == onnx_nodes.OUTPUTS
    assert {name: (1 << bits) - 1 for name, (bits, _) in dtypes.PARTS.items()} == {
        name: high - low for name, (low, high) in few.items()
    }


def test_levels_of_nf4_are_quantiles_of_the_normal_distribution():
    """Dettmers et al., 2023, section 3: eight quantiles above zero, seven below, scaled to one."""
    above = norm.ppf(np.linspace(0.9677083, 0.5, 9)[:-1])
    below = -norm.ppf(np.linspace(0.9677083, 0.5, 8)[:-1])
    levels = np.sort([*above, 0, *below]) / above.max()
    assert pytest.approx(levels, abs=1e-6) == openvino.NF4


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("F8_E4M3", "float8_e4m3fn"), ("F8_E5M2", "float8_e5m2"), ("F8_E4M3FNUZ", "float8_e4m3fnuz"),
        ("F8_E5M2FNUZ", "float8_e5m2fnuz"), ("F8_E8M0", "float8_e8m0fnu"), ("BF16", "bfloat16"), ("F16", np.float16),
        ("U8", np.uint8), ("I8", np.int8), ("U16", np.uint16), ("I16", np.int16),
    ],
)  # fmt: skip
def test_numbers_behind_codes_are_those_of_ml_dtypes(name, kind):
    dtype = np.dtype(getattr(ml_dtypes, kind) if isinstance(kind, str) else kind)
    codes = np.arange(1 << 8 * dtype.itemsize, dtype=f"u{dtype.itemsize}")
    found = dtypes.table(name)
    np.testing.assert_array_equal(found, codes.view(dtype).astype(np.float32))
    assert found.dtype == np.float32 and not found.flags.writeable
    assert (dtypes.DTYPES[name].bits, dtypes.DTYPES[name].name) == (8 * dtype.itemsize, dtype.name)


def test_numbers_of_four_bits_and_truths_have_a_byte_for_each_code():
    levels = np.arange(16, dtype=np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float32)
    np.testing.assert_array_equal(dtypes.table("F4").reshape(16, 16), np.tile(levels, (16, 1)))
    assert dtypes.table("BOOL").tolist() == [0] + [1] * 255
    assert all(dtypes.table(name) is None for name in ("F32", "I32", "U64", "C64", "F6_E2M3", "?"))
    assert dtypes.unpacked(np.array([0x21, 0xF7], np.uint8)).tolist() == [1, 2, 7, 15]


def test_number_formats_are_as_wide_as_their_names_say():
    for name, one in dtypes.DTYPES.items():
        digits = int("".join(filter(str.isdecimal, name.partition("_")[0])) or 8) if name != "BOOL" else 8
        assert one.bits == digits
        assert 8 * np.dtype(one.storage).itemsize == max(digits, 8)
        assert one.readable == (name not in ("F6_E2M3", "F6_E3M2", "C64"))


def test_types_of_arrays_are_those_of_numpy():
    for code, name in arrays.TYPES.items():
        assert np.dtype(code).name == dtypes.DTYPES[name].name
    wide = [code for code in np.typecodes["AllInteger"] + "?efdF" if np.dtype(code).itemsize <= 8]
    assert {np.dtype(code).str[1:] for code in wide} == set(arrays.TYPES)


def test_types_of_onnx_are_those_of_the_package():
    kinds = {kind: name for name, kind in onnx.TensorProto.DataType.items()}
    for kind, name in onnx_reader._TYPES.items():
        theirs = onnx.helper.tensor_dtype_to_np_dtype(kind).name
        assert dtypes.DTYPES[name].name == {"float4_e2m1fn": "float4_e2m1"}.get(theirs, theirs)
    few = {kinds[kind]: (part, *dtypes.PARTS[part]) for kind, part in onnx_reader._PARTS.items()}
    assert few == {kind: (kind.lower(), int(kind[-1]), kind[0] == "I") for kind in ("UINT4", "INT4", "UINT2", "INT2")}
    unread = {kinds[kind]: bits for kind, (_, bits) in onnx_reader._UNREAD.items()}
    assert unread == {"COMPLEX128": 128, "FLOAT6E2M3": 6, "FLOAT6E3M2": 6}
    assert kinds.keys() - onnx_reader._TYPES.keys() - onnx_reader._PARTS.keys() - onnx_reader._UNREAD.keys() == {0, 8}
    assert {kinds[kind] for kind in onnx_reader.FLOATS} == {"FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE"}
