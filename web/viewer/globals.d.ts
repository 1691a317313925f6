interface Window {
	/** For tests and for support: counters of the running viewer. */
	safeweb: { stats: () => Record<string, number | boolean | string> };
}
