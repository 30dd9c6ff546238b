from compress_compare.demos.digits.experiments import experiments


def test_at_least_forty_models_each_after_its_base():
    nodes = experiments()
    assert len(nodes) >= 40
    made = {None}
    for node in nodes:
        assert node.base in made
        assert node.id not in made
        made.add(node.id)


def test_the_grid_of_pruning_is_full():
    ids = {node.id for node in experiments()}
    grid = {
        f"cnn-{criterion}{amount}{repair}"
        for criterion in ("magnitude", "gradient", "random")
        for amount in (50, 70, 90)
        for repair in ("", "-calibrated", "-finetuned")
    }
    assert grid <= ids
    assert {f"cnn-palette{bits}" for bits in (1, 2, 3, 4)} <= ids


def test_the_seed_reaches_everything_random():
    seeded = [node.operation for node in experiments(5) if hasattr(node.operation, "seed")]
    assert {operation.seed for operation in seeded} == {5}
    assert {operation.name for operation in seeded} == {"train", "finetune", "random prune", "palettize"}
