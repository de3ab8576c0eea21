"""What a person does by hand: the first credential, a look at how things are, a certificate brought back.

`python -m tools.onboarding` lists the commands. They use the function's own code to judge what it will read.
"""
