import type { Options, Product, Variant } from '../entities.ts';

type VariantRow = readonly [itemId: string, options: Options, price: number, stock?: 'sold out'];

function product(productId: string, name: string, rows: readonly VariantRow[]): Product {
  const variants = rows.map(
    ([item_id, options, price, stock]): Variant => ({
      item_id,
      options,
      available: stock !== 'sold out',
      price,
    }),
  );
  return {
    name,
    product_id: productId,
    variants: Object.fromEntries(variants.map((variant) => [variant.item_id, variant])),
  };
}

/** What the harbor shop sells: things for boats, rain and long evenings. */
export const catalogue: readonly Product[] = [
  product('810412', 'Rain Jacket', [
    ['3300101', { color: 'yellow', size: 'S' }, 129.5],
    ['3300102', { color: 'yellow', size: 'M' }, 129.5],
    ['3300103', { color: 'yellow', size: 'L' }, 134.9],
    ['3300104', { color: 'navy', size: 'M' }, 139.0],
    ['3300105', { color: 'navy', size: 'L' }, 144.4, 'sold out'],
  ]),
  product('810538', 'Wool Sweater', [
    ['3300201', { color: 'oat', size: 'S' }, 88.0],
    ['3300202', { color: 'oat', size: 'M' }, 88.0],
    ['3300203', { color: 'moss', size: 'M' }, 92.75],
    ['3300204', { color: 'moss', size: 'L' }, 95.25],
  ]),
  product('810644', 'Enamel Mug', [
    ['3300301', { color: 'white', capacity: '300 ml' }, 11.9],
    ['3300302', { color: 'blue', capacity: '300 ml' }, 11.9],
    ['3300303', { color: 'blue', capacity: '450 ml' }, 14.25],
    ['3300304', { color: 'red', capacity: '450 ml' }, 14.25, 'sold out'],
  ]),
  product('810771', 'Brass Lantern', [
    ['3300401', { fuel: 'oil', height: '24 cm' }, 64.0],
    ['3300402', { fuel: 'oil', height: '32 cm' }, 79.5],
    ['3300403', { fuel: 'battery', height: '24 cm' }, 58.3],
  ]),
  product('810809', 'Deck Shoes', [
    ['3300501', { size: '39', sole: 'white' }, 97.0],
    ['3300502', { size: '41', sole: 'white' }, 97.0],
    ['3300503', { size: '43', sole: 'white' }, 97.0],
    ['3300504', { size: '41', sole: 'gum' }, 102.6],
    ['3300505', { size: '43', sole: 'gum' }, 102.6],
  ]),
  product('810933', 'Dry Bag', [
    ['3300601', { volume: '5 l', color: 'orange' }, 18.4],
    ['3300602', { volume: '10 l', color: 'orange' }, 24.8],
    ['3300603', { volume: '20 l', color: 'orange' }, 33.15],
    ['3300604', { volume: '20 l', color: 'black' }, 33.15],
  ]),
  product('811056', 'Folding Knife', [
    ['3300701', { handle: 'oak', blade: '7 cm' }, 42.0],
    ['3300702', { handle: 'oak', blade: '9 cm' }, 49.9],
    ['3300703', { handle: 'steel', blade: '9 cm' }, 55.45],
  ]),
  product('811162', 'Sea Chart Print', [
    ['3300801', { motif: 'skerries', frame: 'none' }, 22.5],
    ['3300802', { motif: 'skerries', frame: 'pine' }, 48.5],
    ['3300803', { motif: 'harbor 1890', frame: 'none' }, 22.5],
    ['3300804', { motif: 'harbor 1890', frame: 'pine' }, 48.5],
  ]),
  product('811287', 'Thermos Flask', [
    ['3300901', { capacity: '0.5 l', color: 'steel' }, 29.95],
    ['3300902', { capacity: '0.75 l', color: 'steel' }, 34.95],
    ['3300903', { capacity: '0.75 l', color: 'green' }, 36.45],
    ['3300904', { capacity: '1 l', color: 'green' }, 41.2, 'sold out'],
  ]),
  product('811390', 'Linen Towel', [
    ['3301001', { color: 'sand', size: '50 x 70 cm' }, 16.8],
    ['3301002', { color: 'sand', size: '70 x 140 cm' }, 31.6],
    ['3301003', { color: 'slate', size: '50 x 70 cm' }, 16.8],
    ['3301004', { color: 'slate', size: '70 x 140 cm' }, 31.6],
  ]),
  product('811415', 'Mooring Rope', [
    ['3301101', { length: '8 m', diameter: '12 mm' }, 26.3],
    ['3301102', { length: '12 m', diameter: '12 mm' }, 37.7],
    ['3301103', { length: '12 m', diameter: '16 mm' }, 52.1],
  ]),
  product('811528', 'Weather Station', [
    ['3301201', { display: 'dial', casing: 'brass' }, 189.0],
    ['3301202', { display: 'dial', casing: 'oak' }, 174.0],
    ['3301203', { display: 'digital', casing: 'oak' }, 212.35],
  ]),
  product('811603', 'Wool Blanket', [
    ['3301301', { pattern: 'plain', color: 'grey' }, 74.9],
    ['3301302', { pattern: 'plain', color: 'rust' }, 74.9],
    ['3301303', { pattern: 'herringbone', color: 'grey' }, 86.2],
  ]),
];
