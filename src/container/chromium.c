#include "container/chromium.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define DISABLED_FEATURES                                                                          \
	"SpareRendererForSitePerProcess,WebUIOmniboxPopup,WebUIOmniboxAimPopup,"                   \
	"NetworkTimeServiceQuerying,OptimizationHints,OptimizationGuideModelExecution,"            \
	"MediaRouter,Translate,BackForwardCache"

static const char *const arguments[] = {
		CHROMIUM_PATH,

		/* The display: Wayland, software, one bare window; the user's client draws the
		 * browser's frame. */
		"--ozone-platform=wayland",
		"--kiosk",
		"--disable-gpu",
		"--in-process-gpu",
		/* The page's focus on text, through the text-input protocol. */
		"--enable-wayland-ime",
		"--wayland-text-input-version=3",

		/* CDP over inherited descriptors, never a port. */
		"--remote-debugging-pipe",

		/* A filter for the network service, which has none by default on Linux. */
		"--enable-features=NetworkServiceSandbox",

		/* Memory. The two popups would each hold a renderer for an address bar that nobody
		   sees. */
		"--disable-extensions",
		"--disable-component-extensions-with-background-pages",
		"--disk-cache-size=16777216",
		("--disable-features=" DISABLED_FEATURES),

		/* A profile that is new each time and has no owner. */
		("--user-data-dir=" CHROMIUM_HOME "/profile"),
		"--no-first-run",
		"--no-default-browser-check",
		"--password-store=basic",
		"--noerrdialogs",
		"--disable-breakpad",

		/* No calls of its own. What is left goes to names that the bypass list sends
		 * nowhere, as the namespace has no way out but the proxy: the sign-in check, and
		 * the update service. */
		"--disable-background-networking",
		"--disable-component-update",
		"--disable-default-apps",
		"--disable-domain-reliability",
		"--disable-sync",
		"--no-pings",
		"--gaia-url=https://off.invalid",
		"--proxy-bypass-list=<-loopback>;off.invalid;update.googleapis.com",

		/* Nothing but the proxy. */
		"--disable-quic",
		"--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
};

static const char *const environment[] = {
		("HOME=" CHROMIUM_HOME),
		"TMPDIR=/tmp",
		"LANG=C.UTF-8",
		"TZ=UTC",
		"WAYLAND_SOCKET=5",
		"DBUS_SESSION_BUS_ADDRESS=disabled:",
		"DBUS_SYSTEM_BUS_ADDRESS=disabled:",
};

static const char *const forbidden[] = {
		"--no-sandbox",
		"--no-zygote",
		"--single-process",
		"--disable-namespace-sandbox",
		"--disable-seccomp-filter-sandbox",
		"--disable-setuid-sandbox",
		"--disable-gpu-sandbox",
		"--disable-web-security",
		"--disable-site-isolation-trials",
		"--disable-features=IsolateOrigins",
		"--allow-file-access-from-files",
		"--allow-running-insecure-content",
		"--ignore-certificate-errors",
		"--load-extension",
		"--remote-debugging-port",
		"--remote-debugging-address",
		"--enable-unsafe-swiftshader",
		"--service-sandbox-type=none",
};

json_t *chromium_arguments(uint16_t proxy_port, uint32_t width, uint32_t height)
{
	json_t *array = json_array();
	for (size_t i = 0; i < ARRAY_LENGTH(arguments); i++) {
		json_array_append_new(array, json_string(arguments[i]));
	}
	json_array_append_new(
			array, json_sprintf("--proxy-server=http://127.0.0.1:%u", proxy_port));
	json_array_append_new(array, json_sprintf("--window-size=%u,%u", width, height));
	json_array_append_new(array, json_string("about:blank"));
	if (json_array_size(array) != ARRAY_LENGTH(arguments) + 3) {
		json_decref(array);
		return NULL;
	}
	return array;
}

json_t *chromium_environment(void)
{
	json_t *array = json_array();
	for (size_t i = 0; i < ARRAY_LENGTH(environment); i++) {
		json_array_append_new(array, json_string(environment[i]));
	}
	return array;
}

bool chromium_argument_is_forbidden(const char *argument, const char *type)
{
	/* Chromium's own mark on the zygote from which processes with other sandboxes come. */
	if (strcmp(argument, "--no-zygote-sandbox") == 0) {
		return strcmp(type, "zygote") != 0;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(forbidden); i++) {
		size_t len = strlen(forbidden[i]);
		if (strncmp(argument, forbidden[i], len) == 0 && strchr("=,", argument[len])) {
			return true; /* strchr finds the closing NUL too */
		}
	}
	return false;
}
