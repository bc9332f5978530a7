"""Networks: name a model, list its layers, run it over images, reduce what the layers say to an assembly.

Read the files in this order: ``catalogue`` (name to model, with ``weights`` and ``provenance``), ``images`` (with
``sources`` and ``transform``), ``layers`` (what can be recorded), ``hooks`` (how it is recorded), ``reduce`` (maps and
tokens to neuroids), ``stream`` (batch by batch, nothing stored) and ``extract`` (the assembly).
"""
