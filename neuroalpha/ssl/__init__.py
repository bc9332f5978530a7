"""Self-supervised models of small images: objectives, views, backbones and the loop that trains them."""
