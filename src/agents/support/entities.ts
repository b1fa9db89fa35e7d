/**
 * What a shop consists of, as it is stored and as the model reads it. All amounts are US dollars as plain numbers.
 * These are type aliases and not interfaces, so that TypeScript accepts them where JSON is asked for.
 */
export type Address = {
  readonly address1: string;
  readonly address2: string;
  readonly city: string;
  readonly country: string;
  readonly state: string;
  readonly zip: string;
};

export type Options = { readonly [option: string]: string };

/** One choice of a product. Its item id says nothing about the product id. */
export type Variant = {
  readonly item_id: string;
  readonly options: Options;
  readonly available: boolean;
  readonly price: number;
};

export type Product = {
  readonly name: string;
  readonly product_id: string;
  /** By item id. */
  readonly variants: { readonly [itemId: string]: Variant };
};

export type PaymentMethod =
  | {
      readonly source: 'credit_card';
      readonly id: string;
      readonly brand: string;
      readonly last_four: string;
    }
  | { readonly source: 'gift_card'; readonly id: string; readonly balance: number }
  | { readonly source: 'paypal'; readonly id: string };

export type User = {
  readonly user_id: string;
  readonly name: { readonly first_name: string; readonly last_name: string };
  readonly address: Address;
  readonly email: string;
  /** By method id. */
  readonly payment_methods: { readonly [methodId: string]: PaymentMethod };
  readonly orders: readonly string[];
};

/** An item as it was bought: price and options are copies, which the catalogue may have left behind. */
export type OrderItem = {
  readonly name: string;
  readonly product_id: string;
  readonly item_id: string;
  readonly price: number;
  readonly options: Options;
};

export type PaymentEntry = {
  readonly transaction_type: 'payment' | 'refund';
  /** Never negative; the type gives the direction. */
  readonly amount: number;
  readonly payment_method_id: string;
};

export type OrderStatus =
  | 'processed'
  | 'pending'
  | 'pending (item modified)'
  | 'delivered'
  | 'cancelled'
  | 'exchange requested'
  | 'return requested';

export type Order = {
  readonly order_id: string;
  readonly user_id: string;
  readonly address: Address;
  readonly items: readonly OrderItem[];
  readonly status: OrderStatus;
  readonly fulfillments: readonly {
    readonly tracking_id: readonly string[];
    readonly item_ids: readonly string[];
  }[];
  readonly payment_history: readonly PaymentEntry[];
  // Absent until the action that sets them.
  readonly cancel_reason?: string;
  readonly exchange_items?: readonly string[];
  readonly exchange_new_items?: readonly string[];
  readonly exchange_payment_method_id?: string;
  readonly exchange_price_difference?: number;
  readonly return_items?: readonly string[];
  readonly return_payment_method_id?: string;
};

/** A whole shop, each map by id: the shape of imports, exports and seed data. */
export type ShopData = {
  readonly products: { readonly [id: string]: Product };
  readonly users: { readonly [id: string]: User };
  readonly orders: { readonly [id: string]: Order };
};
