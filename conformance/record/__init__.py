"""Record the cassettes anew: `python -m conformance.record`.

The real servers run on loopback, vcrpy writes down what they answer, and the rules of `normalise`
take out what changes from run to run, so that recording twice gives the same files.

topics: what is asked · servers: who answers · recorder: one topic into one file ·
normalise: what is made constant · manifest: where every file comes from
"""
