"""`device-id`, what a person does by hand: the first credential, a look at how things are, a certificate brought back.

It uses the function's own code to judge what the function will read.
"""
