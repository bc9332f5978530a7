"""Networks: name a model, list its layers, run it over images; to an assembly, or straight to spectra.

Read the files in this order: ``catalogue`` (name to model, with ``weights``, ``checkpoints``, ``code`` and
``provenance``), ``images`` (with ``imageset``, ``files``, ``arrayfiles``, ``sources``, ``reading``, ``unreadable`` and
``transform``), ``layers`` (what can be recorded), ``hooks`` (how it is recorded), ``reduce`` (maps and tokens to
neuroids), ``stream`` (batch by batch, nothing stored), ``extract`` (the assembly); then ``spectra`` (exact spectra
without activations) with ``routes`` (which way, at what cost), ``passes``, ``store``, ``widegram`` and ``sharding``
(several processes); and ``monitor`` (layers while a model trains,
with ``monitor_*`` and ``lightning``).
"""
