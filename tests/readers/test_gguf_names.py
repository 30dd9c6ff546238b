"""Names of tensors in GGUF beside those of transformers, as the package itself maps them."""

import gguf
import pytest

from compress_compare.readers.gguf_names import counterparts

PARTS = [
    "model.embed_tokens.weight", "model.norm.weight", "lm_head.weight",
    *(
        f"model.layers.{layer}.{part}"
        for layer in range(12)
        for part in (
            "self_attn.q_proj.weight", "self_attn.q_proj.bias", "self_attn.o_proj.weight", "input_layernorm.weight",
            "mlp.up_proj.weight", "mlp.down_proj.weight",
        )
    ),
]  # fmt: skip


def named(others, architecture=gguf.MODEL_ARCH.LLAMA):
    table = gguf.get_tensor_name_map(architecture, 20)
    return {table.get_name(other, try_suffixes=(".weight", ".bias")): other for other in others}


def test_names_of_a_network_are_those_of_the_package():
    assert counterparts(named(PARTS), PARTS) == named(PARTS)


@pytest.mark.parametrize("dropped", ["", "a.", "a.b.", "a.b.c."])
def test_up_to_three_parts_before_a_name_are_left_out(dropped):
    others = [dropped + name for name in PARTS]
    assert counterparts(named(PARTS), others) == {name: dropped + other for name, other in named(PARTS).items()}
    assert counterparts(named(PARTS), [f"a.b.c.d.{name}" for name in PARTS]) == {}


def test_experts_in_one_tensor_have_a_weight_in_gguf_alone():
    plain, experts = "model.layers.3.mlp.experts.gate_up_proj", "blk.3.ffn_gate_up_exps"
    assert counterparts([f"{experts}.weight"], [plain]) == {f"{experts}.weight": plain}
    assert counterparts([experts], [plain]) == {experts: plain}
    both = [plain, f"{plain}.weight"]
    assert counterparts([f"{experts}.weight"], both) == {f"{experts}.weight": f"{plain}.weight"}


def test_what_the_file_does_not_have_and_what_is_not_known_is_left():
    assert counterparts(["output_norm.weight", "blk.0.new.weight"], PARTS) == {
        "output_norm.weight": "model.norm.weight"
    }
    others = ["model.layers.0.unknown.weight", "mynorm.weight", "model.layers.x.mlp.up_proj.weight"]
    assert counterparts(named(PARTS), others) == {}


def test_of_several_names_that_of_no_other_tensor_is_taken():
    start = "model.layers.1."
    others = [f"{start}post_attention_layernorm.weight", f"{start}pre_feedforward_layernorm.weight"]
    both = {"blk.1.post_attention_norm.weight": others[0], "blk.1.ffn_norm.weight": others[1]}
    assert counterparts(both, others) == both == named(others, gguf.MODEL_ARCH.GEMMA2)
    assert counterparts(["blk.1.ffn_norm.weight"], others[:1]) == {"blk.1.ffn_norm.weight": others[0]}


def test_two_tensors_of_one_name_are_neither():
    assert counterparts(["output_norm.weight"], ["model.norm.weight", "a.model.norm.weight"]) == {}
