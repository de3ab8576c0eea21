"""AWS in memory, at the surface of boto3's clients: as much of it as the function and the tests' helpers use.

Nothing here knows the name of an attribute or of a label of the function's. What a fake does not know, it refuses with
`NotImplementedError`. `tests/support/fake_contract.py` compares every operation with moto.
"""
