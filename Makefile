# A thin front for people; the build itself is Meson's.
BUILD ?= build
ROOT = $(CURDIR)/$(BUILD)/root

.PHONY: run build test bench lint install clean

# Installs what is missing, builds, starts everything in the foreground, and prints the address.
run: build
	@exec $(ROOT)/usr/local/bin/safeweb up

build:
	@tools/install-deps run
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD) --quiet
	@meson install -C $(BUILD) --no-rebuild --quiet --destdir $(ROOT)

# Runs every suite.
test:
	@tools/install-deps test
	@$(MAKE) --no-print-directory build
	@tools/run-tests $(BUILD)

bench: build
	@bench/run $(BUILD)

lint:
	@tools/install-deps test
	@tools/lint

install: build
	@meson install -C $(BUILD) --no-rebuild --quiet

clean:
	rm -rf $(BUILD)
