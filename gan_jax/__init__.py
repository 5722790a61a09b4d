"""gan_jax: Generative Adversarial Networks as games between players, in JAX.

Where things are: `games` (losses), `penalties`, `players` (parameters and their optimizers), `recipes` (training
steps), `networks`, `layers`, `data`, `loop` (the training loop), `checkpoint`, `pictures`.
"""
