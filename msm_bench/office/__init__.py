"""The simulated company of the agentic tasks: companies and goals as text, tools, state, scorers."""
