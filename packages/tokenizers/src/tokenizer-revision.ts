/**
 * What ids this code gives for a given tokenizer.json. It grows by one whenever some text gets other ids from the same
 * file than in the release before; vectors made under different revisions may differ for such texts. Before the first
 * release it is 1.
 */
export const TOKENIZER_REVISION = 1;
