// Loading what a function rarely needs when it is first needed, and not in every cold start.

/** Gives what `load` gives, which is called once. If it fails, the next call loads again. */
export function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}
