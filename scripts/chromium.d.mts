type Environment = Readonly<Record<string, string | undefined>>;

export declare const CHROMIUM_ADVICE: string;
export declare function findChromium(environment?: Environment): string | null;
export declare function ensureChromium(options: {
  readonly environment?: Environment;
  readonly isRoot?: boolean;
  readonly onProgress: (line: string) => void;
}): Promise<string | null>;
