"""What differs between the models of a selection: experimental variables, and how to chart them."""
