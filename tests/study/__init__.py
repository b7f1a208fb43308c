"""A statistical study of our own inference: simulated panels, whose truth is known, through the product's scoring."""
