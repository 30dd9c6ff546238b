"""Log a family of compressed models, ask what differs and which are worth keeping.

python examples/track_experiments.py [DIRECTORY]
"""

import sys

import compress_compare as cc

RESULTS = {0.5: (0.972, 0.980), 0.75: (0.903, 0.975), 0.9: (0.412, 0.951)}
"""Accuracy after pruning, and after one more epoch of training, by the share of weights pruned."""


def main(directory: str) -> None:
    with cc.open(directory) as project:
        project.define_metric("Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
        project.define_metric("Size", unit="B", format=".3s", higher_is_better=False, primary=True, min=0)
        project.log_model(
            "cnn", operation=cc.Operation("train", epochs=3), metrics={"Accuracy": 0.981, "Size": 400_000}
        )
        for amount, (pruned, retrained) in RESULTS.items():
            name, size = f"cnn-p{amount * 100:.0f}", 400_000 * (1 - amount)
            project.log_model(
                name,
                base="cnn",
                operation=cc.Operation("magnitude prune", amount=amount),
                metrics={"Accuracy": pruned, "Size": size},
            )
            project.log_model(
                f"{name}-retrained",
                base=name,
                operation=cc.Operation("train", epochs=1),
                metrics={"Accuracy": retrained, "Size": size},
            )

        models = [id for id in project.models()["id"].to_pylist() if id != "cnn"]
        selection = project.selection(models)
        print("What differs:", ", ".join(variable.name for variable in selection.variables))
        for model, values in selection.rows.items():
            print(f"  {model:18} {values}")
        print("Worth keeping:", ", ".join(project.frontier(x="Size", y="Accuracy")))
    print(f"Look at it: compress-compare serve {directory}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs/tracked")
