/** What computes the products: TensorFlow's native library, WebAssembly or plain JavaScript. */
export type BackendKind = 'native' | 'wasm' | 'cpu';

/**
 * relu(left x right + bias), kept where `gate` is positive: left rows x inner, right inner x
 * columns, bias of `columns`, gate rows x columns.
 */
export interface Product {
  readonly left: Float32Array;
  /** Left is stored inner x rows. */
  readonly leftTransposed?: boolean;
  readonly right: Float32Array;
  /** Right is stored columns x inner. */
  readonly rightTransposed?: boolean;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly bias?: Float32Array;
  readonly relu?: boolean;
  readonly gate?: Float32Array;
}

/** The tensor arithmetic that networks need, and nothing more: float32, synchronous. */
export interface Backend {
  readonly kind: BackendKind;
  /** One line: what was picked and why. */
  readonly report: string;
  /** A new rows x columns array. */
  product(product: Product): Float32Array;
}
